// What does the store cost alone? 50 jobs settled and 50 claimed in one exchange, once per turn of the event loop.
import { CONCURRENCY } from './lib/batch.ts';
import { ask, type Figures, perJob } from './lib/measure.ts';
import { exchangeAll, filledStore } from './lib/store.ts';

async function exchanges(jobs: number, folder: string, group: number): Promise<Figures> {
  const store = await filledStore(folder, jobs + group);
  await exchangeAll(store, group, group);
  const figures = await perJob(jobs, () => exchangeAll(store, jobs, group));
  await store.close();
  return figures;
}

await ask(import.meta.url, {
  question: 'What does the store cost alone?',
  sizes: { jobs: 100_000 },
  quick: { jobs: 1_000 },
  runs: 5,
  cases: {
    'groups of 5': { run: ({ jobs }, folder) => exchanges(jobs, folder, 5) },
    'groups of 50': { run: ({ jobs }, folder) => exchanges(jobs, folder, CONCURRENCY) },
    'groups of 500': { run: ({ jobs }, folder) => exchanges(jobs, folder, 500) },
  },
  targets: [
    {
      name: 'CPU µs per job, groups of 50',
      value: (of) => of('groups of 50', 'cpuMicrosPerJob'),
      atMost: 10,
    },
  ],
});
