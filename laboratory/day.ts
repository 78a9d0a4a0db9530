// A day of virtual time with the real engine, against a server that bans, drops calls, and is away for up to an hour.
// [--hours 24] [--rate CALLS_PER_SECOND] [--seed S]
import { parseArgs } from 'node:util';
import { runDay } from './lib/day.ts';

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '24' },
    rate: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
  },
});
const report = await runDay({
  hours: Number(values.hours),
  rate: Number(values.rate),
  seed: Number(values.seed),
});
console.log(JSON.stringify(report));
process.exitCode = report.failed + report.unfinished > 0 ? 1 : 0;
