// A dynamic source of no-op jobs: inputs come from a generator while earlier ones run.
import { join } from 'node:path';
import { createTaskHub, defineTask } from '@shelchin/taskhub';
import { atOnce, CONCURRENCY, type Input, inputs, sqlite } from './batch.ts';
import { type Figures, liveHeap, peakRssMB, perJob } from './measure.ts';

const BETWEEN_SAMPLES = 50_000;
const MB = 1024 * 1024;

/** CPU and the most memory of the process: garbage, SQLite's cache and the runtime included. */
export async function stream(jobs: number, folder: string): Promise<Figures> {
  const figures = await run(jobs, folder, () => undefined);
  return { ...figures, peakRssMB: peakRssMB() };
}

/** Growth of the live heap: collected every 50,000 jobs and compared with the heap before createTask(). */
export async function streamHeap(jobs: number, folder: string): Promise<Figures> {
  let done = 0;
  let most = 0;
  const baseline = liveHeap();
  const every = Math.min(BETWEEN_SAMPLES, Math.ceil(jobs / 2));
  await run(jobs, folder, () => {
    if (++done % every === 0) most = Math.max(most, liveHeap());
  });
  return { heapGrowthMB: (Math.max(most, liveHeap()) - baseline) / MB };
}

async function run(jobs: number, folder: string, handler: (input: Input) => undefined): Promise<Figures> {
  const hub = await createTaskHub({ storage: sqlite(), dbPath: join(folder, 'stream.db') });
  const noop = defineTask({
    ...atOnce(CONCURRENCY),
    name: 'stream',
    type: 'dynamic',
    id: 'generated',
    getData: () => inputs(jobs),
    handler,
  });
  const figures = await perJob(jobs, async () => {
    const { completed } = await (await hub.createTask(noop)).start();
    if (completed !== jobs) throw new Error(`${completed} of ${jobs} completed`);
  });
  await hub.close();
  return figures;
}
