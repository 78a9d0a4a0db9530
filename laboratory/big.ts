// Runs jobs with inputs of 50 MB, then jobs whose results add up to 2 GB, and reads them all: memory and time of each step.
// [--store node|bun] [--inputs 8] [--input-mb 50] [--results 2048] [--result-mb 1]
import { parseArgs } from 'node:util';
import { runLarge } from './lib/big.ts';

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'node' },
    inputs: { type: 'string', default: '8' },
    'input-mb': { type: 'string', default: '50' },
    results: { type: 'string', default: '2048' },
    'result-mb': { type: 'string', default: '1' },
  },
});
const { store } = values;
if (store !== 'node' && store !== 'bun') throw new Error('--store must be node or bun');
const megabytes = (text: string): number => Number(text) * 2 ** 20;
const inputChars = megabytes(values['input-mb']);
const outputChars = megabytes(values['result-mb']);
const large = [
  await runLarge({ store, jobs: Number(values.inputs), inputChars, outputChars: 10 }),
  await runLarge({ store, jobs: Number(values.results), inputChars: 10, outputChars }),
];
console.log(JSON.stringify(large));
const isRight = large.every(({ jobs, steps }) => {
  const { completed, wrong } = steps.at(-1)?.result ?? {};
  return completed === jobs && wrong === 0;
});
process.exitCode = isRight ? 0 : 1;
