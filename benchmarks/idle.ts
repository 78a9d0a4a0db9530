// What does waiting cost? A million rows are done, one job waits for its retry.
import { join } from 'node:path';
import { createTaskHub, defineTask } from '@shelchin/taskhub';
import { atOnce, CONCURRENCY, type Input, inputOf, inputs, sqlite } from './lib/batch.ts';
import { ask, type Figures, perJob } from './lib/measure.ts';

async function wait(jobs: number, seconds: number, folder: string): Promise<Figures> {
  const hub = await createTaskHub({ storage: sqlite(), dbPath: join(folder, 'idle.db') });
  const task = await hub.createTask(
    defineTask({
      ...atOnce(CONCURRENCY),
      name: 'idle',
      getData: () => inputs(jobs),
      retry: { baseDelay: 3_600_000, maxDelay: 3_600_000, jitter: 0 },
      isRetryable: () => true,
      handler(input: Input) {
        if (input.id === inputOf(0).id) throw new Error('once');
      },
    }),
  );
  const run = task.start();
  while (task.completedJobs < jobs - 1) await new Promise((resolve) => setTimeout(resolve, 100));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  globalThis.gc?.();
  const { cpuMicrosPerJob, wallMicrosPerJob } = await perJob(1, () => {
    return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  });
  await task.stop();
  await run;
  await hub.close();
  return { cpuPercent: (cpuMicrosPerJob / wallMicrosPerJob) * 100 };
}

await ask(import.meta.url, {
  question: 'What does waiting for one retry cost among a million rows?',
  sizes: { jobs: 1_000_000, seconds: 30 },
  quick: { jobs: 500, seconds: 1 },
  runs: 1,
  cases: { idle: { run: ({ jobs, seconds }, folder) => wait(jobs, seconds, folder) } },
  targets: [{ name: 'CPU, %', value: (of) => of('idle', 'cpuPercent'), atMost: 0.1 }],
});
