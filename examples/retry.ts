// Which errors are tried again, how often, and what to do with the jobs that failed for good.
import { createTaskHub, HttpError, type JobContext, TaskSource } from '@shelchin/taskhub';
import { dataFile } from './data-file.ts';
import { startLimitedApi } from './limited-api.ts';

const capitals = new Map([
  ['Peru', 'Lima'],
  ['Kenya', 'Nairobi'],
  ['Norway', 'Oslo'],
  ['Japan', 'Tokyo'],
  ['Ghana', 'Accra'],
]);
const api = await startLimitedApi({
  errorRate: 0.3, // 500
  resetRate: 0.2, // ECONNRESET
  answer: ({ record }) => (capitals.has(record) ? { capital: capitals.get(record) } : undefined), // or 404
});

class Capitals extends TaskSource<string, string> {
  readonly type = 'deterministic';

  getData() {
    return [...capitals.keys(), 'Atlantis'];
  }

  async handler(country: string, ctx: JobContext): Promise<string> {
    const response = await ctx.fetch(`${api.url}/countries/${country}`);
    return ((await response.json()) as { capital: string }).capital;
  }

  // The default rules retry network errors, timeouts and HTTP 408, 425 and 5xx; add what you know better.
  isRetryable(error: unknown): boolean {
    if (error instanceof HttpError && error.body.includes('maintenance')) return false;
    return super.isRetryable(error);
  }
}

const hub = await createTaskHub({ dbPath: dataFile('retry.db') });
const task = await hub.createTask({
  name: 'capitals',
  source: new Capitals(),
  ifExists: 'restart', // so that the example does the same every time
  retry: { maxAttempts: 6, baseDelay: 20, maxDelay: 200 },
});

let retries = 0;
task.on('job:retry', (job, attempt) => {
  retries += 1;
  console.log(
    `${job.input}: attempt ${attempt} failed (${job.failure?.status ?? job.failure?.code}), again later`,
  );
});
task.on('job:failed', (job, error) => console.log(`${job.input}: given up, ${error.message}`));

const first = await task.start();
console.log(`${first.completed} completed, ${first.failed} failed, ${retries} retries`);

// The cause is mended; failed jobs go back with a fresh budget.
capitals.set('Atlantis', 'Poseidonis');
const reset = await hub.resetFailedJobs(task.id);
const second = await task.start();
console.log(`${reset} put back: ${second.completed} completed, ${second.failed} failed`);

await hub.close();
await api.close();
