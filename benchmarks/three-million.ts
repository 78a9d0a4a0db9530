// Does it stay flat? Three million jobs created from a generator, run, and read again page by page.
import { join } from 'node:path';
import { createTaskHub, defineTask } from '@shelchin/taskhub';
import { atOnce, CONCURRENCY, type Input, inputs, sqlite } from './lib/batch.ts';
import { ask, type Figures, peakRssMB, perJob } from './lib/measure.ts';

async function createRunAndPage(jobs: number, folder: string): Promise<Figures> {
  const hub = await createTaskHub({ storage: sqlite(), dbPath: join(folder, 'large.db') });
  const noop = defineTask({
    ...atOnce(CONCURRENCY),
    name: 'large',
    getData: () => inputs(jobs),
    handler: (_input: Input) => undefined,
  });
  const parts: Record<string, Figures> = {};
  const whole = await perJob(jobs, async () => {
    let task: Awaited<ReturnType<typeof hub.createTask<Input, undefined>>> | undefined;
    parts.create = await perJob(jobs, async () => {
      task = await hub.createTask(noop);
    });
    parts.run = await perJob(jobs, async () => {
      await task?.start();
    });
    let read = 0;
    parts.page = await perJob(jobs, async () => {
      for await (const job of task?.results() ?? []) if (job.status === 'completed') read += 1;
    });
    if (read !== jobs) throw new Error(`${read} of ${jobs} results`);
  });
  await hub.close();
  const cpu = (part: string): number => parts[part]?.cpuMicrosPerJob ?? Number.NaN;
  return {
    ...whole,
    createCpuMicrosPerJob: cpu('create'),
    runCpuMicrosPerJob: cpu('run'),
    pageCpuMicrosPerJob: cpu('page'),
    peakRssMB: peakRssMB(),
  };
}

await ask(import.meta.url, {
  question: 'Do three million jobs cost as much each as a hundred thousand?',
  sizes: { jobs: 3_000_000, few: 100_000 },
  quick: { jobs: 10_000, few: 1_000 },
  runs: 3,
  cases: {
    all: { run: ({ jobs }, folder) => createRunAndPage(jobs, folder), runs: 1 },
    few: { run: ({ few }, folder) => createRunAndPage(few, folder) },
  },
  targets: [
    {
      name: 'CPU per job, all against few',
      value: (of) => of('all', 'cpuMicrosPerJob') / of('few', 'cpuMicrosPerJob'),
      atMost: 1.25,
    },
  ],
});
