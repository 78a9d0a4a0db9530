// Kills real processes on real files: pnpm crash [--store node|bun] [--kills N] [--seed S] [--json].
import { parseArgs } from 'node:util';
import { killMany, seeded } from './lib/kills.ts';

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'node' },
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const { store, json } = values;
if (store !== 'node' && store !== 'bun') throw new Error('--store must be node or bun');
const report = await killMany(store, Number(values.kills), seeded(Number(values.seed)), (kills) => {
  if (!json && kills % 25 === 0) console.log(`${kills} kills`);
});
console.log(json ? JSON.stringify(report) : report);
process.exitCode = report.lost + report.recordedTwice + report.countersWrong > 0 ? 1 : 0;
