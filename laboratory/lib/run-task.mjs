// Creates and runs one task, to be killed at any moment, in a process or a page. What it did is in the journal, which
// outlives it: `born id`, `call n id ms` for each handler call, `ack n id` for each announced completion, `end id
// summary`.
import { defineTask, Hub } from '@taskhub/core';

/**
 * @param {import('./order.ts').Order} order
 * @param {{ id: string | number, runtime: string, adapter: import('@taskhub/core').StorageAdapter, write: (line: string) => void, die: () => void }} world
 *   `write` returns when the line is written, `die` does not return
 */
export async function runTask(order, { id, runtime, adapter, write, die }) {
  const { jobs, ms, concurrency, leaseMs, dieAt, poison, maxCrashes } = order;
  const { quickest = ms, isReversed, ifExists, block } = order;
  write(`born ${id}`);
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
      write(`call ${n} ${id} ${Date.now()}`);
      if (n === poison) die();
      if (n === block?.n) blockFor(block.ms);
      await new Promise((resolve) => setTimeout(resolve, n % 2 === 1 ? quickest : ms));
      return { square: n * n, by: id };
    },
  });
  const hub = new Hub(deadly(adapter, dieAt, die), { leaseMs });
  const task = await hub.createTask(squares);
  task.on('job:complete', ({ input }) => write(`ack ${input.n} ${id}`));
  const summary = await task.start();
  await hub.close();
  write(`end ${id} ${JSON.stringify({ ...summary, runtime })}`);
}

function blockFor(ms) {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** The store, which kills its process right before or after one call. */
function deadly(adapter, dieAt, die) {
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
