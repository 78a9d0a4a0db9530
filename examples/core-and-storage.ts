// The engine and one store, without the package that chooses between stores.
import { defineTask, Hub } from '@taskhub/core';
import { NodeSQLiteAdapter } from '@taskhub/storage-node';

const hub = new Hub(new NodeSQLiteAdapter('letters.db'));
const task = await hub.createTask(defineTask({ name: 'letters', handler: (word: string) => word.length }), {
  inputs: ['core', 'and', 'storage'],
});

await task.start();
for await (const job of task.results({ status: 'completed' })) console.log(`${job.input}: ${job.output}`);
console.log(`stored in ${hub.storage.name}`);
await hub.close();
