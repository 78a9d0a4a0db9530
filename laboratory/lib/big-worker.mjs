// A process for one step with a task that is large: its jobs are run, read, or put back. Then it writes
// `step name ms peak json` into the journal; the peak is that of its resident memory, in bytes.
import { appendFileSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { defineTask, Hub } from '@taskhub/core';

/** @type {import('./big.ts').BigOrder} */
const { store, path, journal, step, jobs, inputChars, outputChars, isFailing } = JSON.parse(process.argv[2]);

async function openAdapter() {
  if (store === 'bun') return new (await import('@taskhub/storage-bun')).BunSQLiteAdapter(path);
  return new (await import('@taskhub/storage-node')).NodeSQLiteAdapter(path);
}

const [input, output] = ['x'.repeat(inputChars), 'y'.repeat(outputChars)];
const big = defineTask({
  name: 'big',
  concurrency: { min: 1, max: inputChars + outputChars > 10_000 ? 4 : 100 },
  *getData() {
    for (let n = 0; n < jobs; n += 1) yield { n, input };
  },
  handler({ n, input }) {
    if (isFailing) throw new Error(`record ${n} is wrong`);
    return { n, length: input.length, output };
  },
});

const steps = {
  async run(task) {
    const { status, completed, failed } = await task.start();
    return { status, completed, failed };
  },
  async read(task) {
    const seen = { completed: 0, failed: 0, wrong: 0 };
    let before = -1;
    for await (const { index, status, input, output, error } of task.results()) {
      const isRight =
        status === 'completed'
          ? output.n === index && output.length === inputChars && output.output.length === outputChars
          : error === `record ${index} is wrong`;
      if (!isRight || input.n !== index || index !== before + 1) seen.wrong += 1;
      before = index;
      seen[status] += 1;
    }
    return seen;
  },
  async failures(task) {
    let failed = 0;
    for await (const { error, index } of task.results({ status: 'failed' }))
      if (error === `record ${index} is wrong`) failed += 1;
    return { failed };
  },
  async retry(task) {
    const reset = await task.retryFailed();
    const { completed, failed, total } = await task.getProgress();
    return { reset, completed, failed, total };
  },
};

const hub = new Hub(await openAdapter());
const began = performance.now();
const task = await hub.createTask(big);
const created = performance.now();
const result = { createMs: Math.round(created - began), ...(await steps[step](task)) };
const ms = Math.round(performance.now() - created);
await hub.close();
const [, peak] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
appendFileSync(journal, `step ${step} ${ms} ${Number(peak) * 1024} ${JSON.stringify(result)}\n`);
