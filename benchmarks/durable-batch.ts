// What does a durable job cost? 100,000 jobs that do nothing, from before createTask() to the end of start(), on a
// SQLite file in a temporary folder; the size of that file after close(); the memory of a long stream.
import { CONCURRENCY, needsBetterSqlite3, runDurable, sqlite } from './lib/batch.ts';
import { ask } from './lib/measure.ts';
import {
  needsPostgres,
  needsRedis,
  runBullMQ,
  runFastq,
  runPgBoss,
  runPlainjob,
  runPQueue,
} from './lib/peers.ts';
import { stream, streamHeap } from './lib/stream.ts';

const CPU_LIMIT = process.argv.includes('bun') ? 15 : 30;
const tenth = ({ jobs }: { jobs: number }): { jobs: number } => ({ jobs: Math.ceil(jobs / 10) });

await ask(import.meta.url, {
  question: 'What does a durable job cost?',
  sizes: { jobs: 100_000, streamed: 1_000_000 },
  quick: { jobs: 1_000, streamed: 3_000 },
  runs: 5,
  cases: {
    taskhub: { run: ({ jobs }, folder) => runDurable(jobs, folder) },
    stream: { run: ({ streamed }, folder) => stream(streamed, folder), runs: 1 },
    'stream, heap': { run: ({ streamed }, folder) => streamHeap(streamed, folder), runs: 1 },
    plainjob: {
      peer: true,
      missing: needsBetterSqlite3,
      run: ({ jobs }, folder) => runPlainjob(jobs, folder),
    },
    'p-queue (memory)': { peer: true, run: ({ jobs }) => runPQueue(jobs) },
    'fastq (memory)': { peer: true, run: ({ jobs }) => runFastq(jobs) },
    bullmq: {
      peer: true,
      missing: needsRedis,
      sizes: tenth,
      run: ({ jobs }, folder) => runBullMQ(jobs, folder),
    },
    'pg-boss': {
      peer: true,
      missing: needsPostgres,
      sizes: tenth,
      run: ({ jobs }, folder) => runPgBoss(jobs, folder),
    },
  },
  targets: [
    { name: 'CPU µs per job', value: (of) => of('taskhub', 'cpuMicrosPerJob'), atMost: CPU_LIMIT },
    {
      name: 'CPU against plainjob',
      value: (of) => of('taskhub', 'cpuMicrosPerJob') / of('plainjob', 'cpuMicrosPerJob'),
      atMost: 1 / 3,
    },
    { name: 'bytes per job', value: (of) => of('taskhub', 'bytesPerJob'), atMost: 230 },
    { name: 'stream: growth of the heap, MB', value: (of) => of('stream, heap', 'heapGrowthMB'), atMost: 50 },
    { name: 'stream: peak RSS, MB', value: (of) => of('stream', 'peakRssMB'), atMost: 150 },
  ],
  json: (of, { jobs }) => ({
    store: sqlite(),
    jobs,
    concurrency: CONCURRENCY,
    cpuMicrosPerJob: of('taskhub', 'cpuMicrosPerJob'),
    wallJobsPerSecond: Math.round(1e6 / of('taskhub', 'wallMicrosPerJob')),
    bytesPerJob: of('taskhub', 'bytesPerJob'),
    heapGrowthMB: of('stream, heap', 'heapGrowthMB'),
    peakRssMB: of('stream', 'peakRssMB'),
  }),
});
