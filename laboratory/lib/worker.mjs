// The process of a worker in Node or Bun: `worker.mjs ORDER`, as JSON.
import { appendFileSync, openSync } from 'node:fs';
import process from 'node:process';
import { runTask } from './run-task.mjs';

/** @type {import('./order.ts').Order} */
const order = JSON.parse(process.argv[2]);
const journal = openSync(order.journal, 'a');

async function openAdapter() {
  const { store, path, durability } = order;
  if (store === 'bun')
    return new (await import('@taskhub/storage-bun')).BunSQLiteAdapter(path, { durability });
  return new (await import('@taskhub/storage-node')).NodeSQLiteAdapter(path, { durability });
}

await runTask(order, {
  id: process.pid,
  runtime: process.versions.bun ? 'bun' : 'node',
  adapter: await openAdapter(),
  write: (line) => appendFileSync(journal, `${line}\n`),
  die: () => process.kill(process.pid, 'SIGKILL'),
});
