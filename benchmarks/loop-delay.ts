// How long does the engine keep others from the event loop? The delay of a timer of 1 ms, while a million inputs are
// ingested and while their jobs, which do nothing, run.
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createTaskHub, defineTask } from '@shelchin/taskhub';
import { atOnce, CONCURRENCY, type Input, inputs, sqlite } from './lib/batch.ts';
import { ask, type Figures } from './lib/measure.ts';

async function delays(jobs: number, folder: string): Promise<Figures> {
  const hub = await createTaskHub({ storage: sqlite(), dbPath: join(folder, 'delay.db') });
  const noop = defineTask({ ...atOnce(CONCURRENCY), name: 'delay', handler: (_input: Input) => undefined });
  const data = [...inputs(jobs)];
  globalThis.gc?.();
  const watch = async <T>(work: Promise<T>): Promise<{ result: T; p99Ms: number; maxMs: number }> => {
    const histogram = monitorEventLoopDelay({ resolution: 1 });
    histogram.enable();
    const result = await work;
    histogram.disable();
    return { result, p99Ms: histogram.percentile(99) / 1e6, maxMs: histogram.max / 1e6 };
  };
  const ingest = await watch(hub.createTask(noop, { inputs: data }));
  const run = await watch(ingest.result.start());
  await hub.close();
  return { ingestP99Ms: ingest.p99Ms, ingestMaxMs: ingest.maxMs, runP99Ms: run.p99Ms, runMaxMs: run.maxMs };
}

await ask(import.meta.url, {
  question: 'How long does the engine keep others from the event loop?',
  sizes: { jobs: 1_000_000 },
  quick: { jobs: 2_000 },
  runs: 3,
  cases: { delays: { run: ({ jobs }, folder) => delays(jobs, folder) } },
  targets: [
    { name: 'p99 while ingesting, ms', value: (of) => of('delays', 'ingestP99Ms'), atMost: 20 },
    { name: 'p99 while running, ms', value: (of) => of('delays', 'runP99Ms'), atMost: 20 },
  ],
});
