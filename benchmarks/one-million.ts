// Is a million as cheap as a hundred thousand? Inputs are streamed from a generator while earlier ones run.
import { ask } from './lib/measure.ts';
import { stream, streamHeap } from './lib/stream.ts';

await ask(import.meta.url, {
  question: 'Is a million streamed inputs as cheap as a hundred thousand?',
  sizes: { jobs: 1_000_000 },
  quick: { jobs: 10_000 },
  runs: 3,
  cases: {
    all: { run: ({ jobs }, folder) => stream(jobs, folder) },
    'a tenth': {
      sizes: ({ jobs }) => ({ jobs: jobs / 10 }),
      run: ({ jobs }, folder) => stream(jobs, folder),
    },
    'all, heap': { run: ({ jobs }, folder) => streamHeap(jobs, folder), runs: 1 },
  },
  targets: [
    { name: 'growth of the heap, MB', value: (of) => of('all, heap', 'heapGrowthMB'), atMost: 50 },
    { name: 'peak RSS, MB', value: (of) => of('all', 'peakRssMB'), atMost: 150 },
    {
      name: 'CPU per job against a tenth of them',
      value: (of) => of('all', 'cpuMicrosPerJob') / of('a tenth', 'cpuMicrosPerJob'),
      atMost: 1.15,
    },
  ],
});
