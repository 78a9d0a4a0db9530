// What does the engine take from handlers that really wait? 50 in flight, each for 20 ms (--ms 200 for slower ones):
// time on the wall against 50 loops that call the same handler and do nothing else.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTaskHub, defineTask } from '@shelchin/taskhub';
import { atOnce, CONCURRENCY, type Input, inputs, sqlite } from './lib/batch.ts';
import { ask, type Figures, perJob } from './lib/measure.ts';

interface Sizes extends Figures {
  jobs: number;
  ms: number;
}

async function taskhub({ jobs, ms }: Sizes, folder: string): Promise<Figures> {
  const hub = await createTaskHub({ storage: sqlite(), dbPath: join(folder, 'real.db') });
  const handler = (_input: Input): Promise<void> => sleep(ms);
  const waiting = defineTask({ ...atOnce(CONCURRENCY), name: 'real', handler });
  const task = await hub.createTask(waiting, { inputs: [...inputs(jobs)] });
  const figures = await perJob(jobs, () => task.start());
  if (task.completedJobs !== jobs) throw new Error(`${task.completedJobs} of ${jobs} completed`);
  await hub.close();
  return { ...figures, wallMs: (figures.wallMicrosPerJob * jobs) / 1000 };
}

async function loops({ jobs, ms }: Sizes): Promise<Figures> {
  let started = 0;
  const loop = async (): Promise<void> => {
    while (started++ < jobs) await sleep(ms);
  };
  const figures = await perJob(jobs, () => Promise.all(Array.from({ length: CONCURRENCY }, loop)));
  return { ...figures, wallMs: (figures.wallMicrosPerJob * jobs) / 1000 };
}

await ask<Sizes>(import.meta.url, {
  question: 'What does the engine take from handlers that wait, 50 in flight?',
  sizes: { jobs: 5_000, ms: 20 },
  quick: { jobs: 200, ms: 20 },
  runs: 5,
  cases: { taskhub: { run: taskhub }, 'bare loops': { run: loops } },
  targets: [
    {
      name: 'time on the wall against the bare loops',
      value: (of) => of('taskhub', 'wallMs') / of('bare loops', 'wallMs'),
      atMost: 1.03,
    },
  ],
});
