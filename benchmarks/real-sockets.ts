// Against limits that nobody told it: what is lost, what is refused, and how long does it take?
//
// Five services of the laboratory behind real sockets, in real time; every client calls them with the fetch of Node.
//   TaskHub            as it comes
//   p-queue, tuned     p-queue with the limit of the service written into it, and p-retry
//   p-queue, untuned   p-queue with 50 at once, and p-retry
// p-retry gives each job five attempts, a second apart at first and twice as far each time.
//
//   lost         jobs without a result, % of all
//   refused      calls that were answered 429, % of all
//   timesIdeal   time against that of a client that knows everything
import { createTaskHub, defineTask } from '@shelchin/taskhub';
import { bestPossible, type Scenario, type ServerModel } from '@taskhub/core/testing';
import type PQueue from 'p-queue';
import { ask, type Case, type Figures } from './lib/measure.ts';
import { serve } from './lib/simulated-http.ts';

const MOST = 50;
const latency = { dist: 'lognormal', median: 100, sigma: 0.3 } as const;
const rejectMs = 5;
const bucket = { kind: 'bucket', rate: 50, burst: 50 } as const;

type Tuning = ConstructorParameters<typeof PQueue>[0];
type Sizes = { seconds: number };

/** The service, how many jobs it can take per second, and what a user would write who knows it. */
const SERVICES: Record<string, { model: (ms: number) => ServerModel; perSecond: number; tuned: Tuning }> = {
  cap: { model: () => ({ rejectMs, latency, cap: 10 }), perSecond: 95, tuned: { concurrency: 10 } },
  bucket: {
    model: () => ({ rejectMs, latency, limits: [bucket] }),
    perSecond: 50,
    tuned: { concurrency: MOST, intervalCap: 50, interval: 1000 },
  },
  'bucket with hints': {
    model: () => ({ rejectMs, latency, limits: [bucket], retryAfter: 's' }),
    perSecond: 50,
    tuned: { concurrency: MOST, intervalCap: 50, interval: 1000 },
  },
  window: {
    model: () => ({ rejectMs, latency, limits: [{ kind: 'fixed', limit: 500, window: 10_000 }] }),
    perSecond: 50,
    tuned: { concurrency: MOST, intervalCap: 500, interval: 10_000 },
  },
  'drop and recovery': {
    model: (ms) => ({
      rejectMs,
      latency,
      limits: [bucket],
      schedule: [
        { at: ms / 3, factor: 0.3 },
        { at: (2 * ms) / 3, factor: 1 },
      ],
    }),
    perSecond: 38,
    tuned: { concurrency: MOST, intervalCap: 50, interval: 1000 },
  },
};

/** @param run - works through so many jobs and gives the number of those that were done */
function against(name: string, run: (url: string, jobs: number) => Promise<number>): Case<Sizes>['run'] {
  return async ({ seconds }) => {
    const { model, perSecond } = SERVICES[name] as (typeof SERVICES)[string]; // a key of it
    const jobs = Math.round(seconds * perSecond);
    const server = model(seconds * 1000);
    const service = await serve(server);
    const begin = performance.now();
    const done = await run(service.url, jobs);
    const time = performance.now() - begin;
    const figures: Figures = {
      lost: (100 * (jobs - done)) / jobs,
      refused: (100 * service.refused()) / service.calls(),
      timesIdeal: time / (await idealMs(name, server, jobs)),
    };
    await service.close();
    return figures;
  };
}

function idealMs(id: string, server: ServerModel, jobs: number): Promise<number> {
  const limits = { maxConcurrency: MOST, initialConcurrency: 5, minConcurrency: 1, clientTimeoutMs: 30_000 };
  const scenario: Scenario = { id, jobsPerClient: jobs, clients: 1, weights: null, ...limits, server };
  return bestPossible(scenario);
}

async function runTaskHub(url: string, jobs: number): Promise<number> {
  const hub = await createTaskHub({ storage: 'memory' });
  const calls = defineTask({
    name: 'calls',
    getData: () => Array.from({ length: jobs }, (_, i) => i),
    async handler(_job: number, ctx) {
      await (await ctx.fetch(url)).text();
    },
  });
  const { completed } = await (await hub.createTask(calls)).start();
  await hub.close();
  return completed;
}

function runPQueue(tuning: Tuning): (url: string, jobs: number) => Promise<number> {
  return async (url, jobs) => {
    const [{ default: PQueue }, { default: pRetry }] = await Promise.all([
      import('p-queue'),
      import('p-retry'),
    ]);
    const queue = new PQueue(tuning);
    const call = async (): Promise<void> => {
      const response = await fetch(url);
      await response.text();
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
    };
    const results = await Promise.allSettled(
      Array.from({ length: jobs }, () => queue.add(() => pRetry(call, { retries: 4 }))),
    );
    return results.filter(({ status }) => status === 'fulfilled').length;
  };
}

const cases = Object.entries(SERVICES).flatMap(([name, { tuned }]): [string, Case<Sizes>][] => [
  [`${name}: TaskHub`, { run: against(name, runTaskHub) }],
  [`${name}: p-queue, tuned`, { run: against(name, runPQueue(tuned)), peer: true }],
  [`${name}: p-queue, untuned`, { run: against(name, runPQueue({ concurrency: MOST })), peer: true }],
]);

await ask(import.meta.url, {
  question: 'Against limits that nobody told it: what is lost, what is refused, and how long does it take?',
  sizes: { seconds: 40 },
  quick: { seconds: 1 },
  runs: 1,
  cases: Object.fromEntries(cases),
  targets: [
    {
      name: 'jobs that TaskHub lost, % over all services',
      value: (of) => Object.keys(SERVICES).reduce((sum, name) => sum + of(`${name}: TaskHub`, 'lost'), 0),
      atMost: 0,
    },
  ],
});
