// Blocks the event loop of a process in a handler for longer than its lease, beside another process on the same file.
// [--store node|bun] [--seconds N] [--lease-seconds N]; by default 60 s with the default lease of 30 s.
import { parseArgs } from 'node:util';
import { blockOne } from './lib/blocked.ts';

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'node' },
    seconds: { type: 'string', default: '60' },
    'lease-seconds': { type: 'string', default: '30' },
  },
});
const { store } = values;
if (store !== 'node' && store !== 'bun') throw new Error('--store must be node or bun');
const report = await blockOne(store, Number(values.seconds) * 1000, Number(values['lease-seconds']) * 1000);
console.log(JSON.stringify(report));
const { lost, recordedTwice, settledLate, countersWrong } = report;
process.exitCode = lost + recordedTwice + settledLate + countersWrong > 0 ? 1 : 0;
