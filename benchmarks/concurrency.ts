// What do few and many jobs at once cost? No job is claimed before it can start, so each exchange is small with few.
import { atOnce, runDurable } from './lib/batch.ts';
import { ask } from './lib/measure.ts';

const cost = (name: string) => (of: (name: string, figure: string) => number) => of(name, 'cpuMicrosPerJob');

await ask(import.meta.url, {
  question: 'What do few and many jobs at once cost?',
  sizes: { jobs: 100_000 },
  quick: { jobs: 1_000 },
  runs: 5,
  cases: {
    '5 at once': { run: ({ jobs }, folder) => runDurable(jobs, folder, atOnce(5)) },
    '50 at once': { run: ({ jobs }, folder) => runDurable(jobs, folder, atOnce(50)) },
    '500 at once': { run: ({ jobs }, folder) => runDurable(jobs, folder, atOnce(500)) },
  },
  targets: [
    { name: '5 at once, CPU µs per job', value: cost('5 at once'), atMost: 35 },
    {
      name: '500 at once against 50',
      value: (of) => cost('500 at once')(of) / cost('50 at once')(of),
      atMost: 1,
    },
  ],
});
