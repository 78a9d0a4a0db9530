// Kills real processes on real files: pnpm crash [--store node|bun] [--kills N] [--seed S] [--json].
// pnpm crash --cuts N cuts the power instead, as far as strace can tell what would be on the disk.
import { parseArgs } from 'node:util';
import { killMany, seeded } from './lib/kills.ts';
import { cutPower } from './lib/power-cuts.ts';

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'node' },
    kills: { type: 'string', default: '50' },
    cuts: { type: 'string' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const { store, json } = values;
if (store !== 'node' && store !== 'bun') throw new Error('--store must be node or bun');
const chance = seeded(Number(values.seed));
if (values.cuts !== undefined) {
  const strict = await cutPower(store, 'strict', Number(values.cuts), chance);
  const relaxed = await cutPower(store, 'relaxed', Number(values.cuts), chance);
  console.log(json ? JSON.stringify([strict, relaxed]) : [strict, relaxed]);
  const wrong =
    strict.gone + [strict, relaxed].reduce((sum, { corrupt, outOfOrder }) => sum + corrupt + outOfOrder, 0);
  process.exit(wrong > 0 ? 1 : 0);
}
const report = await killMany(store, Number(values.kills), chance, (kills) => {
  if (!json && kills % 25 === 0) console.log(`${kills} kills`);
});
console.log(json ? JSON.stringify(report) : report);
process.exitCode = report.lost + report.recordedTwice + report.countersWrong > 0 ? 1 : 0;
