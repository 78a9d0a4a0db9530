// A whole job in fifteen lines.
import { createTaskHub, defineTask } from '@shelchin/taskhub';
import { dataFile } from './data-file.ts';

const countLetters = defineTask({
  name: 'count-letters',
  getData: () => ['adaptive', 'durable', 'batch'],
  handler: (word) => word.length,
  concurrency: { max: 10 },
});

await using hub = await createTaskHub({ dbPath: dataFile('job.db') });
const task = await hub.createTask(countLetters);
console.log(await task.start());
for await (const job of task.results({ status: 'completed' })) console.log(job.input, job.output);
