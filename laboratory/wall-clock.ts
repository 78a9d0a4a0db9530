// Sets the wall clock of working processes back and forward by an hour; needs the package `faketime` of Debian.
// [--store node|bun] [--processes N] [--minutes -60,0,60,0]
import { parseArgs } from 'node:util';
import { setClocks } from './lib/wall-clock.ts';

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'node' },
    processes: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '-60,0,60,0' },
  },
});
const { store } = values;
if (store !== 'node' && store !== 'bun') throw new Error('--store must be node or bun');
const report = await setClocks(store, Number(values.processes), values.minutes.split(',').map(Number));
console.log(JSON.stringify(report));
const { lost, recordedTwice, countersWrong, wrongDurations, hung } = report;
process.exitCode = lost + recordedTwice + countersWrong + wrongDurations + hung > 0 ? 1 : 0;
