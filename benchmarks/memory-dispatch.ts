// Is the engine as cheap as a queue without memory of what it did? TaskHub on its memory store, start() only, against
// p-queue's add and run of the same jobs.
import { createTaskHub } from '@shelchin/taskhub';
import { runBatch } from './lib/batch.ts';
import { ask, type Figures } from './lib/measure.ts';
import { runFastq, runPQueue } from './lib/peers.ts';

async function runInMemory(jobs: number): Promise<Figures> {
  const hub = await createTaskHub({ storage: 'memory' });
  const figures = await runBatch(hub, jobs);
  await hub.close();
  return figures;
}

const few = ({ few }: { few: number }): { jobs: number } => ({ jobs: few });
const many = ({ many }: { many: number }): { jobs: number } => ({ jobs: many });

await ask(import.meta.url, {
  question: 'Is dispatching from memory as cheap as p-queue, at any size?',
  sizes: { few: 5_000, jobs: 100_000, many: 1_000_000 },
  quick: { few: 500, jobs: 1_000, many: 2_000 },
  runs: 5,
  cases: {
    'taskhub, few': { sizes: few, run: ({ jobs }) => runInMemory(jobs) },
    taskhub: { run: ({ jobs }) => runInMemory(jobs) },
    'taskhub, many': { sizes: many, run: ({ jobs }) => runInMemory(jobs), runs: 3 },
    'p-queue, few': { sizes: few, run: ({ jobs }) => runPQueue(jobs) },
    'p-queue': { run: ({ jobs }) => runPQueue(jobs) },
    'p-queue, many': { sizes: many, run: ({ jobs }) => runPQueue(jobs), runs: 3 },
    fastq: { peer: true, run: ({ jobs }) => runFastq(jobs) },
  },
  targets: [
    {
      name: 'start() against p-queue',
      value: (of) => of('taskhub', 'runCpuMicrosPerJob') / of('p-queue', 'cpuMicrosPerJob'),
      atMost: 1,
    },
    {
      name: 'start(), a million against 100,000',
      value: (of) => of('taskhub, many', 'runCpuMicrosPerJob') / of('taskhub', 'runCpuMicrosPerJob'),
      atMost: 1.15,
    },
    {
      name: 'start(), a million against 5,000',
      value: (of) => of('taskhub, many', 'runCpuMicrosPerJob') / of('taskhub, few', 'runCpuMicrosPerJob'),
      atMost: 1.15,
    },
  ],
});
