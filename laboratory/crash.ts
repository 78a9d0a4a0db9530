// Kills real processes over real databases: pnpm crash [--store node|bun|opfs|indexeddb] [--kills N] [--seed S] [--json].
// pnpm crash --minutes N [--processes N] runs one task of node or bun for so long and kills its process each minute.
// pnpm crash --cuts N cuts the power of node or bun instead, as far as strace can tell what would be on the disk.
import { parseArgs } from 'node:util';
import { openBench } from './lib/bench.ts';
import { killForLong } from './lib/hour.ts';
import { killMany, seeded } from './lib/kills.ts';
import { STORES } from './lib/order.ts';
import { cutPower } from './lib/power-cuts.ts';

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'node' },
    kills: { type: 'string', default: '50' },
    cuts: { type: 'string' },
    minutes: { type: 'string' },
    hours: { type: 'string' },
    processes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const { json } = values;
const store = STORES.find((name) => name === values.store);
if (store === undefined) throw new Error(`--store must be one of ${STORES.join(', ')}`);
const chance = seeded(Number(values.seed));
if (values.cuts !== undefined) {
  if (store !== 'node' && store !== 'bun') throw new Error('--cuts needs --store node or bun');
  const strict = await cutPower(store, 'strict', Number(values.cuts), chance);
  const relaxed = await cutPower(store, 'relaxed', Number(values.cuts), chance);
  console.log(json ? JSON.stringify([strict, relaxed]) : [strict, relaxed]);
  const wrong =
    strict.gone + [strict, relaxed].reduce((sum, { corrupt, outOfOrder }) => sum + corrupt + outOfOrder, 0);
  process.exit(wrong > 0 ? 1 : 0);
}
const minutes = Number(values.minutes ?? 0) + 60 * Number(values.hours ?? 0);
if (minutes > 0) {
  if (store !== 'node' && store !== 'bun') throw new Error('--minutes needs --store node or bun');
  const long = await killForLong({
    store,
    minutes,
    processes: Number(values.processes),
    chance,
    progress: (kills) => {
      if (!json) console.log(`${kills} kills`);
    },
  });
  console.log(json ? JSON.stringify(long) : long);
  const { lost, failed, recordedTwice, countersWrong, integrity, calls } = long;
  const isRight =
    lost + failed.length + recordedTwice + countersWrong === 0 &&
    calls.unexplained === 0 &&
    integrity === 'ok';
  process.exit(isRight ? 0 : 1);
}
const bench = await openBench(store);
try {
  const report = await killMany(bench, Number(values.kills), chance, (kills) => {
    if (!json && kills % 25 === 0) console.log(`${kills} kills`);
  });
  console.log(json ? JSON.stringify(report) : report);
  process.exitCode = report.lost + report.recordedTwice + report.countersWrong > 0 ? 1 : 0;
} finally {
  await bench.end();
}
