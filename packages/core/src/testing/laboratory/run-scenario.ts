// One scenario through the real engine, in virtual time: hub, task, dispatcher, memory store, and a simulated server.
import { Hub } from '../../hub.js';
import { MemoryAdapter } from '../../storage/memory-adapter.js';
import type { RunSummary, Speed, TaskConfig, TaskSourceLike } from '../../types.js';
import { VirtualClock } from '../virtual-clock.js';
import { runOracle } from './oracle.js';
import { draw, seededRandom } from './random.js';
import type { Scenario } from './scenario.js';
import { SimulatedServer } from './servers.js';
import { callServer, serverFetch } from './simulated-fetch.js';

/** One job of a scenario. */
export interface ScenarioJob {
  index: number;
  /** What the job costs where a limit counts weight; a whole number ≥ 1. */
  weight: number;
}

/** What a trial is given of the world that it runs in. Nothing else may wait: real timers do not move virtual time. */
export interface TrialWorld {
  /** The simulated server, whatever the address. A header `x-weight` says what the call weighs. */
  fetch: typeof globalThis.fetch;
  /** Waits `ms` of virtual time. */
  sleep(ms: number): Promise<void>;
  clock: VirtualClock;
}

/** What is tried: options of a task, and the functions of its source. By default each job calls the server once. */
export type Trial = Omit<TaskConfig, 'codec'> &
  Partial<
    Pick<TaskSourceLike<ScenarioJob, unknown>, 'handler' | 'isRateLimited' | 'isRetryable' | 'retryAfter'>
  >;

/** How a scenario is run. */
export interface ScenarioOptions {
  /** Of everything that chance decides: equal seeds give equal runs. @default 1 */
  seed?: number;
  /** Handler and policy, made anew for every client. @default one call per job, with the options of the scenario */
  trial?: (world: TrialWorld) => Trial;
  /** A run that takes this many times as long as the best possible one is stopped. @default 20 */
  giveUpAt?: number;
}

/** How a run of a scenario went. */
export interface ScenarioResult {
  id: string;
  /** Makespan against that of a client that knows everything. */
  ratio: number;
  /** Share of the calls that the server refused, 0 to 1. */
  waste: number;
  /** Jobs that ended failed. */
  failed: number;
  /** Jobs that were not settled when the run was given up; 0 else. */
  unfinished: number;
  /** Jain's index of what the clients completed from the first quarter to the end of the first; several clients only. */
  jain?: number;
  /** Virtual ms until the last client had ended, and until one that knows everything would have. */
  makespan: number;
  best: number;
  /** Calls that the server received, and how many of them it refused. */
  calls: number;
  refused: number;
  /** Of each client: how its run ended, and `task.speed` as it was then. */
  clients: { summary: RunSummary; speed: Speed }[];
}

/** Clients do not begin at the same instant, ms. */
const STAGGER = 3;
const STREAMS = { weights: 100, chance: 200 };

/**
 * Runs a batch against a simulated server with the real engine, in virtual time: hours pass in a second.
 *
 * @example
 * const night = { id: 'mine', jobsPerClient: 5000, clients: 1, … };
 * const { ratio, waste, failed } = await runScenario(night, { trial: () => ({ concurrency: { algorithm: 'aimd' } }) });
 */
export async function runScenario(
  scenario: Scenario,
  options: ScenarioOptions = {},
): Promise<ScenarioResult> {
  const { seed = 1, trial = (): Trial => ({}), giveUpAt = 20 } = options;
  const best = scenario.oracleMs ?? (await bestPossible(scenario, seed));
  const clock = new VirtualClock();
  const server = new SimulatedServer(scenario.server, clock, seed);
  const completions: number[][] = [];
  const ends: number[] = [];

  const runClient = async (client: number): Promise<{ summary: RunSummary; speed: Speed }> => {
    await sleep(clock, client * STAGGER);
    const weights = weightsOf(scenario, seed, client);
    const completed: number[] = [];
    completions[client] = completed;
    const fetch = serverFetch(server);
    const random = seededRandom(seed, STREAMS.chance + client);
    const hub = new Hub(new MemoryAdapter(), { ports: { clock, random, fetch } });
    const { handler, isRateLimited, isRetryable, retryAfter, ...config } = trial({
      fetch,
      sleep: (ms) => sleep(clock, ms),
      clock,
    });
    const task = await hub.createTask<ScenarioJob, unknown>({
      name: scenario.id,
      source: {
        type: 'deterministic',
        getData: () => weights.map((weight, index) => ({ index, weight })),
        handler: handler ?? ((job, ctx) => callServer(server, job.weight, ctx)),
        isRateLimited,
        isRetryable,
        retryAfter,
      },
      timeout: scenario.clientTimeoutMs,
      ...config,
      retry: { maxAttempts: 5, ...config.retry },
      concurrency: {
        min: scenario.minConcurrency,
        max: scenario.maxConcurrency,
        initial: scenario.initialConcurrency,
        ...config.concurrency,
      },
    });
    task.on('job:complete', () => void completed.push(clock.monotonic()));
    const end = clock.setTimeout(() => void task.stop(), giveUpAt * best);
    const summary = await task.start();
    clock.clearTimeout(end);
    ends[client] = clock.monotonic();
    const { speed } = task;
    await hub.close();
    return { summary, speed };
  };

  const running = Array.from({ length: scenario.clients }, (_, client) => runClient(client));
  const clients = await clock.run(Promise.all(running));
  const sum = (count: (summary: RunSummary) => number): number =>
    clients.reduce((total, { summary }) => total + count(summary), 0);
  const makespan = Math.max(...ends);
  const { calls, refused } = server;
  return {
    id: scenario.id,
    ratio: makespan / best,
    waste: refused / Math.max(1, calls),
    failed: sum(({ failed }) => failed),
    unfinished: sum(({ total, completed, failed }) => total - completed - failed),
    ...(scenario.clients > 1 && { jain: jainIndex(completions, ends) }),
    makespan,
    best,
    calls,
    refused,
    clients,
  };
}

function sleep(clock: VirtualClock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.setTimeout(resolve, ms));
}

/** Makespan in ms of the client that knows everything, over all jobs of all clients. */
export async function bestPossible(scenario: Scenario, seed = 1): Promise<number> {
  const clock = new VirtualClock();
  const weights = Array.from({ length: scenario.clients }, (_, client) => weightsOf(scenario, seed, client));
  const max = scenario.maxConcurrency * scenario.clients;
  return clock.run(runOracle(new SimulatedServer(scenario.server, clock, seed), clock, weights.flat(), max));
}

function weightsOf({ weights, jobsPerClient }: Scenario, seed: number, client: number): number[] {
  const random = seededRandom(seed, STREAMS.weights + client);
  return Array.from({ length: jobsPerClient }, () =>
    weights === null ? 1 : Math.max(1, Math.round(draw(weights, random))),
  );
}

function jainIndex(completions: readonly number[][], ends: readonly number[]): number {
  const [from, to] = [Math.max(...ends) / 4, Math.min(...ends)];
  const counts = completions.map((times) => times.filter((at) => at >= from && at <= to).length);
  const sum = counts.reduce((a, b) => a + b, 0);
  if (sum === 0) return 1 / counts.length; // The first was through before the first quarter: as unfair as can be.
  return sum ** 2 / (counts.length * counts.reduce((a, b) => a + b * b, 0));
}
