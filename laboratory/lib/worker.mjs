// A process that creates and runs one task, to be killed at any moment. What it did is in the journal, which outlives
// it: `born pid`, `call n pid ms` for each handler call, `ack n pid` for each announced completion, `end pid summary`.
import { appendFileSync, openSync } from 'node:fs';
import process from 'node:process';
import { defineTask, Hub } from '@taskhub/core';

/** @type {import('./order.ts').Order} */
const order = JSON.parse(process.argv[2]);
const { store, path, journal, jobs, ms, concurrency, leaseMs, durability, dieAt, poison, maxCrashes } = order;
const { quickest = ms, isReversed, ifExists } = order;
const file = openSync(journal, 'a');
const { pid } = process;
const write = (line) => appendFileSync(file, `${line}\n`);
const die = () => process.kill(pid, 'SIGKILL');

async function openAdapter() {
  if (store === 'bun')
    return new (await import('@taskhub/storage-bun')).BunSQLiteAdapter(path, { durability });
  return new (await import('@taskhub/storage-node')).NodeSQLiteAdapter(path, { durability });
}

/** The store, which kills the process right before or after one call. */
function deadly(adapter) {
  if (dieAt === undefined) return adapter;
  let calls = 0;
  const inner = adapter[dieAt.method];
  adapter[dieAt.method] = async function (...args) {
    calls += 1;
    if (calls === dieAt.nth && !dieAt.done) die();
    const result = await inner.apply(this, args);
    if (calls === dieAt.nth) die();
    return result;
  };
  return adapter;
}

write(`born ${pid}`);
const squares = defineTask({
  name: 'squares',
  concurrency: { min: concurrency, max: concurrency, initial: concurrency },
  retry: { maxCrashes },
  ifExists,
  getData: () =>
    Array.from({ length: jobs }, (_, at) => (isReversed ? jobs - 1 - at : at)).map((n) => ({
      n,
      text: `record ${n}`,
    })),
  async handler({ n }) {
    write(`call ${n} ${pid} ${Date.now()}`);
    if (n === poison) die();
    await new Promise((resolve) => setTimeout(resolve, n % 2 === 1 ? quickest : ms));
    return { square: n * n, by: pid };
  },
});
const hub = new Hub(deadly(await openAdapter()), { leaseMs });
const task = await hub.createTask(squares);
task.on('job:complete', ({ input }) => write(`ack ${input.n} ${pid}`));
const summary = await task.start();
await hub.close();
write(`end ${pid} ${JSON.stringify({ ...summary, runtime: process.versions.bun ? 'bun' : 'node' })}`);
