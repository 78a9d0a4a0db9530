// Pause lets running jobs finish; stop aborts them and gives them back. Either way nothing is lost.
import { setTimeout as sleep } from 'node:timers/promises';
import { createTaskHub, type JobContext, TaskSource } from '@shelchin/taskhub';
import { dataFile } from './data-file.ts';
import { startLimitedApi } from './limited-api.ts';

const api = await startLimitedApi({ latency: { median: 20, spread: 0.3 } });

class Records extends TaskSource<number, string> {
  readonly type = 'deterministic';

  getData() {
    return Array.from({ length: 120 }, (_, i) => i + 1);
  }

  async handler(record: number, ctx: JobContext): Promise<string> {
    const response = await ctx.fetch(`${api.url}/records/${record}`);
    return ((await response.json()) as { record: string }).record;
  }
}

const hub = await createTaskHub({ dbPath: dataFile('pause-resume.db') });
const task = await hub.createTask({ name: 'records', source: new Records(), ifExists: 'restart' });

/** Resolves when so many jobs are completed. */
function reached(completed: number): Promise<void> {
  return new Promise((resolve) => {
    const stop = task.on('job:complete', () => {
      if (task.completedJobs < completed) return;
      stop();
      resolve();
    });
  });
}

const run = task.start(); // stays pending over a pause

await reached(40);
task.pause();
console.log(`status: ${task.status}`);
while ((await task.getProgress()).active > 0) await sleep(5);
const before = api.stats().requests;
await sleep(200);
console.log(`calls during the pause: ${api.stats().requests - before}`);

task.resume();
console.log(`status: ${task.status}`);
await reached(80);
await task.stop(); // `run` resolves now
console.log(`status: ${task.status}, the run ended as ${(await run).status}`);

const summary = await task.start();
console.log(
  `status: ${task.status}, ${summary.completed} of ${summary.total} completed, ${summary.failed} failed`,
);

await hub.close();
await api.close();
