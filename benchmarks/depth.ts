// Does a call cost more among a million rows? Claims, pages at the end, progress.
import { createTaskHub } from '@shelchin/taskhub';
import { CONCURRENCY } from './lib/batch.ts';
import { ask, type Figures, perJob } from './lib/measure.ts';
import { exchangeAll, filledStore, TASK } from './lib/store.ts';

const PAGE = 100;
const REPEATS = 200;

/** All but the last `measured` jobs are done; these are claimed and settled, then read. */
async function atDepth(rows: number, measured: number, folder: string): Promise<Figures> {
  const store = await filledStore(folder, rows + CONCURRENCY);
  await exchangeAll(store, rows - measured, 1000);
  const { cpuMicrosPerJob } = await perJob(measured, () => exchangeAll(store, measured, CONCURRENCY));
  const millis = async (call: () => Promise<unknown>): Promise<number> => {
    await call();
    const { cpuMicrosPerJob: micros } = await perJob(REPEATS, async () => {
      for (let i = 0; i < REPEATS; i++) await call();
    });
    return micros / 1000;
  };
  const page = (after: number, status?: 'completed'): Promise<unknown> =>
    store.readJobs(TASK, { after, limit: PAGE, ...(status && { status }) });
  const hub = await createTaskHub({ storage: store });
  const task = await hub.getTask(TASK);
  const figures = {
    claimCpuMicrosPerJob: cpuMicrosPerJob,
    firstPageMs: await millis(() => page(0)),
    lastPageMs: await millis(() => page(rows - PAGE - CONCURRENCY)),
    firstCompletedPageMs: await millis(() => page(0, 'completed')),
    lastCompletedPageMs: await millis(() => page(rows - PAGE - CONCURRENCY, 'completed')),
    progressMs: await millis(async () => task?.getProgress()),
  };
  await hub.close();
  return figures;
}

await ask(import.meta.url, {
  question: 'Does a call cost more among a million rows?',
  sizes: { rows: 1_000_000, few: 10_000 },
  quick: { rows: 2_000, few: 1_000 },
  runs: 3,
  cases: {
    all: { run: ({ rows, few }, folder) => atDepth(rows, few - CONCURRENCY, folder) },
    few: { run: ({ few }, folder) => atDepth(few, few - CONCURRENCY, folder) },
  },
  targets: [
    {
      name: 'claim and settle, all against few',
      value: (of) => of('all', 'claimCpuMicrosPerJob') / of('few', 'claimCpuMicrosPerJob'),
      atMost: 1.5,
    },
    { name: `a page of ${PAGE} at the end, ms of CPU`, value: (of) => of('all', 'lastPageMs'), atMost: 1 },
    {
      name: 'that page against the first',
      value: (of) => of('all', 'lastPageMs') / of('all', 'firstPageMs'),
      atMost: 2,
    },
    {
      name: 'the same for completed jobs',
      value: (of) => of('all', 'lastCompletedPageMs') / of('all', 'firstCompletedPageMs'),
      atMost: 2,
    },
    { name: 'progress, ms of CPU', value: (of) => of('all', 'progressMs'), atMost: 0.1 },
  ],
});
