// The service of the demo, in a process of its own: how long is the longest day at a place? Started by demo.ts.
// What became of each call goes into an access log, one line each, which outlives any process that is killed.
import { appendFileSync } from 'node:fs';
import { longestDay } from './daylight.ts';
import { startLimitedApi } from './limited-api.ts';

// Without the demo there is nobody to serve. Ctrl-C is for the demo alone, which waits for answers to its calls.
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => undefined);

const [, , rps, accessLog] = process.argv;
if (rps === undefined || accessLog === undefined) throw new Error('usage: daylight-api RPS ACCESS_LOG');

const api = await startLimitedApi({
  rps: Number(rps),
  errorRate: 0.01,
  resetRate: 0.005,
  latency: { median: 60, spread: 0.7 },
  answer: ({ query }) => ({ hours: longestDay(Number(query.get('lat'))) }),
  onCall: (record, what) => appendFileSync(accessLog, `${record} ${what}\n`),
});

if (!process.connected) process.exit();
process.send?.(api.url);
