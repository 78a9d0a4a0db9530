// Lets a million jobs fail, pages through them, puts them back, runs them again: memory and time of each step.
// [--store node|bun] [--jobs 1000000]
import { parseArgs } from 'node:util';
import { runFailed } from './lib/big.ts';

const { values } = parseArgs({
  options: { store: { type: 'string', default: 'node' }, jobs: { type: 'string', default: '1000000' } },
});
const { store } = values;
if (store !== 'node' && store !== 'bun') throw new Error('--store must be node or bun');
const report = await runFailed(store, Number(values.jobs));
console.log(JSON.stringify(report));
const { completed, wrong } = report.steps.at(-1)?.result ?? {};
process.exitCode = completed === report.jobs && wrong === 0 ? 0 : 1;
