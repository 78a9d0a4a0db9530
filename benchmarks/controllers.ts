// What does the controller cost per job? The default one, the simple one, and one that has nothing to decide.
import { atOnce, CONCURRENCY, runDurable } from './lib/batch.ts';
import { ask } from './lib/measure.ts';

const fixed = { concurrency: { min: CONCURRENCY, max: CONCURRENCY, algorithm: 'aimd' } } as const;

await ask(import.meta.url, {
  question: 'What does the controller cost per job?',
  sizes: { jobs: 100_000 },
  quick: { jobs: 1_000 },
  runs: 5,
  cases: {
    default: { run: ({ jobs }, folder) => runDurable(jobs, folder) },
    adaptive: { run: ({ jobs }, folder) => runDurable(jobs, folder, atOnce(CONCURRENCY, 'adaptive')) },
    aimd: { run: ({ jobs }, folder) => runDurable(jobs, folder, atOnce(CONCURRENCY, 'aimd')) },
    'fixed limit': { run: ({ jobs }, folder) => runDurable(jobs, folder, fixed) },
  },
  targets: [],
});
