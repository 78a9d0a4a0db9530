// A process whose one hub runs many tasks, with listeners that come and go. Writes `heap tasks bytes` after each tenth.
import { appendFileSync } from 'node:fs';
import process from 'node:process';
import { defineTask, Hub } from '@taskhub/core';
import { NodeSQLiteAdapter } from '@taskhub/storage-node';

const { path, journal, tasks, listeners, isDestroying } = JSON.parse(process.argv[2]);
const hub = new Hub(new NodeSQLiteAdapter(path));

function listen(task) {
  for (let n = 0; n < listeners; n += 1) {
    const remove = task.on('job:complete', () => n);
    task.once('completed', () => n);
    remove();
  }
  task.removeAllListeners('completed');
}

for (let n = 1; n <= tasks; n += 1) {
  const task = await hub.createTask(
    defineTask({ name: `task ${n}`, getData: () => [1, 2, 3], handler: (input) => ({ input }) }),
  );
  listen(task);
  const { completed } = await task.start();
  if (completed !== 3) throw new Error(`task ${n} has completed ${completed} jobs`);
  if (isDestroying) await task.destroy();
  if (n % (tasks / 10) === 0) {
    globalThis.gc();
    appendFileSync(journal, `heap ${n} ${process.memoryUsage().heapUsed}\n`);
  }
}
await hub.close();
