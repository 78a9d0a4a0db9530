// The engine and the store of Bun, without the package that chooses between stores: `bun examples/bun-storage.ts`.
import { defineTask, Hub } from '@taskhub/core';
import { BunSQLiteAdapter } from '@taskhub/storage-bun';

const hub = new Hub(new BunSQLiteAdapter('letters.db'));
const task = await hub.createTask(defineTask({ name: 'letters', handler: (word: string) => word.length }), {
  inputs: ['core', 'and', 'storage'],
});

await task.start();
for await (const job of task.results({ status: 'completed' })) console.log(`${job.input}: ${job.output}`);
console.log(`stored in ${hub.storage.name}`);
await hub.close();
