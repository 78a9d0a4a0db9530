// The plain rule at work: up by one after ten successes, halved when the service refuses. The default learns more.
import { createTaskHub, type JobContext, TaskSource } from '@shelchin/taskhub';
import { dataFile } from './data-file.ts';
import { startLimitedApi } from './limited-api.ts';

const api = await startLimitedApi({ rps: 50, burst: 25, latency: { median: 60, spread: 0.4 } });

class Records extends TaskSource<number, string> {
  readonly type = 'deterministic';

  getData() {
    return Array.from({ length: 300 }, (_, i) => i + 1);
  }

  async handler(record: number, ctx: JobContext): Promise<string> {
    const response = await ctx.fetch(`${api.url}/records/${record}`);
    return ((await response.json()) as { record: string }).record;
  }
}

const hub = await createTaskHub({ dbPath: dataFile('aimd.db') });
const task = await hub.createTask({
  name: 'aimd',
  source: new Records(),
  ifExists: 'restart',
  concurrency: { algorithm: 'aimd', min: 1, max: 50, initial: 5 },
});

let most = 0;
let decreases = 0;
task.on('progress', ({ completed, total, concurrency }) => {
  most = Math.max(most, concurrency);
  console.log(`${String(completed).padStart(3)}/${total} ${'█'.repeat(concurrency)} ${concurrency}`);
});
task.on('rate-limited', (concurrency) => {
  decreases += 1;
  console.log(`refused: admits ${concurrency} until the service says that it can go on`);
});

const summary = await task.start();
const { refused } = api.stats();
console.log(`${summary.completed} of ${summary.total} completed, ${summary.failed} failed`);
console.log(`most at once: ${most}, decreases: ${decreases}, calls refused: ${refused}`);

await hub.close();
await api.close();
