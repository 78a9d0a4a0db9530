// A known list, one call for each, every result kept. Run it twice: the second time nothing is called again.
import { createTaskHub, type JobContext, TaskSource } from '@shelchin/taskhub';
import { dataFile } from './data-file.ts';
import { startLimitedApi } from './limited-api.ts';

const api = await startLimitedApi({ answer: ({ record }) => ({ letters: record.length }) });

class WordLengths extends TaskSource<string, number> {
  readonly type = 'deterministic';

  getData() {
    return ['adaptive', 'durable', 'batch', 'engine'];
  }

  async handler(word: string, ctx: JobContext): Promise<number> {
    const response = await ctx.fetch(`${api.url}/words/${word}`);
    const { letters } = (await response.json()) as { letters: number };
    return letters;
  }
}

const hub = await createTaskHub({ dbPath: dataFile('basic.db') });
const task = await hub.createTask({ name: 'word-lengths', source: new WordLengths() });

const summary = await task.start();
console.log(`${summary.completed} of ${summary.total} done, ${summary.ran} of them in this run`);

for (const job of await task.getResults({ status: 'completed' })) {
  console.log(`${job.input}: ${job.output} letters`);
}
console.log(`calls: ${api.stats().requests}`);

await hub.close();
await api.close();
