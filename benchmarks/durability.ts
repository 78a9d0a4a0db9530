// What does durability against power loss cost? Time on the wall, with the disk that is here.
import { atOnce, CONCURRENCY, runDurable } from './lib/batch.ts';
import { ask } from './lib/measure.ts';

await ask(import.meta.url, {
  question: 'What does durability against power loss cost?',
  sizes: { jobs: 100_000 },
  quick: { jobs: 1_000 },
  runs: 5,
  cases: {
    relaxed: {
      run: ({ jobs }, folder) => runDurable(jobs, folder, { ...atOnce(CONCURRENCY), durability: 'relaxed' }),
    },
    strict: {
      run: ({ jobs }, folder) => runDurable(jobs, folder, { ...atOnce(CONCURRENCY), durability: 'strict' }),
    },
  },
  targets: [
    {
      name: 'jobs per second, strict against relaxed',
      value: (of) => of('relaxed', 'wallMicrosPerJob') / of('strict', 'wallMicrosPerJob'),
      atLeast: 0.6,
    },
  ],
});
