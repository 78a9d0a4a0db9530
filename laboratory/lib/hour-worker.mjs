// A process that works on the long task until it is killed. What it did is in the journal, which outlives it:
// `call n pid ms` for each handler call, `fail n pid` for each that ended with an error, `ack n pid` for each announced
// completion, `mem rss heap pid ms` each 10 s, in bytes and after a garbage collection, `end pid summary`.
import { appendFileSync, openSync } from 'node:fs';
import process from 'node:process';
import { defineTask, Hub } from '@taskhub/core';

/** @type {import('./hour.ts').LongOrder} */
const { store, path, journal, jobs, url } = JSON.parse(process.argv[2]);
const file = openSync(journal, 'a');
const { pid } = process;
const write = (line) => appendFileSync(file, `${line}\n`);

async function openAdapter() {
  if (store === 'bun') return new (await import('@taskhub/storage-bun')).BunSQLiteAdapter(path);
  return new (await import('@taskhub/storage-node')).NodeSQLiteAdapter(path);
}

function measure() {
  if (process.versions.bun) Bun.gc(true);
  else globalThis.gc();
  const { rss, heapUsed } = process.memoryUsage();
  write(`mem ${rss} ${heapUsed} ${pid} ${Date.now()}`);
}

const squares = defineTask({
  name: 'squares',
  retry: { maxAttempts: 10 },
  getData: () => Array.from({ length: jobs }, (_, n) => ({ n, text: `record ${n}` })),
  async handler({ n }, ctx) {
    write(`call ${n} ${pid} ${Date.now()}`);
    try {
      const answer = await ctx.fetch(`${url}/squares/${n}`);
      return { ...(await answer.json()), by: pid };
    } catch (error) {
      write(`fail ${n} ${pid}`);
      throw error;
    }
  },
});
const hub = new Hub(await openAdapter());
const task = await hub.createTask(squares);
task.on('job:complete', ({ input }) => write(`ack ${input.n} ${pid}`));
const timer = setInterval(measure, 10_000);
const summary = await task.start();
clearInterval(timer);
await hub.close();
write(`end ${pid} ${JSON.stringify(summary)}`);
