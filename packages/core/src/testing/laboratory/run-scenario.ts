// One scenario through the real engine, in virtual time: hub, task, dispatcher, memory store, and a simulated server.
import { HttpError } from '../../http.js';
import { Hub } from '../../hub.js';
import { MemoryAdapter } from '../../storage/memory-adapter.js';
import type { ConcurrencyConfig, JobContext } from '../../types.js';
import { VirtualClock } from '../virtual-clock.js';
import { runOracle } from './oracle.js';
import { draw, seededRandom } from './random.js';
import type { Scenario } from './scenario.js';
import { type Answer, SimulatedServer } from './servers.js';

/** How a run of a scenario went. */
export interface ScenarioResult {
  id: string;
  /** Makespan against that of a client that knows everything. */
  ratio: number;
  /** Share of the calls that the server refused, 0 to 1. */
  waste: number;
  /** Jobs that ended failed. */
  failed: number;
  /** Jain's index of what the clients completed from the first quarter to the end of the first; several clients only. */
  jain?: number;
}

/** Clients do not begin at the same instant, ms. */
const STAGGER = 3;
const STREAMS = { weights: 100, chance: 200 };

/**
 * Runs a batch against a simulated server with the real engine, in virtual time: hours pass in a second.
 *
 * @param seed - of everything that chance decides; equal seeds give equal runs
 * @example
 * const night = { id: 'mine', jobsPerClient: 5000, clients: 1, … };
 * const { ratio, waste, failed } = await runScenario(night, 1, { algorithm: 'adaptive' });
 */
export async function runScenario(
  scenario: Scenario,
  seed: number,
  concurrency: ConcurrencyConfig = {},
): Promise<ScenarioResult> {
  const clock = new VirtualClock();
  const server = new SimulatedServer(scenario.server, clock, seed);
  const completions: number[][] = [];
  const ends: number[] = [];

  const runClient = async (client: number): Promise<number> => {
    await new Promise<void>((resolve) => clock.setTimeout(resolve, client * STAGGER));
    const weights = weightsOf(scenario, seed, client);
    const completed: number[] = [];
    completions[client] = completed;
    const random = seededRandom(seed, STREAMS.chance + client);
    const hub = new Hub(new MemoryAdapter(), { ports: { clock, random } });
    const task = await hub.createTask({
      name: scenario.id,
      source: {
        type: 'deterministic',
        getData: () => weights.keys(),
        handler: (index: number, ctx: JobContext) => call(server, weights[index] ?? 1, ctx),
      },
      timeout: scenario.clientTimeoutMs,
      retry: { maxAttempts: 5 },
      concurrency: {
        min: scenario.minConcurrency,
        max: scenario.maxConcurrency,
        initial: scenario.initialConcurrency,
        ...concurrency,
      },
    });
    task.on('job:complete', () => void completed.push(clock.monotonic()));
    const { failed } = await task.start();
    ends[client] = clock.monotonic();
    await hub.close();
    return failed;
  };

  const clients = Array.from({ length: scenario.clients }, (_, client) => runClient(client));
  const failed = await clock.run(Promise.all(clients));
  const oracle = scenario.oracleMs ?? (await oracleOf(scenario, seed));
  return {
    id: scenario.id,
    ratio: Math.max(...ends) / oracle,
    waste: server.refused / server.calls,
    failed: failed.reduce((sum, count) => sum + count, 0),
    ...(scenario.clients > 1 && { jain: jainIndex(completions, ends) }),
  };
}

/** Makespan of the client that knows everything, over all jobs of all clients. */
async function oracleOf(scenario: Scenario, seed: number): Promise<number> {
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

async function call(server: SimulatedServer, weight: number, ctx: JobContext): Promise<void> {
  const answer = await new Promise<Answer>((resolve, reject) => {
    ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error));
    server.call(weight, resolve);
  });
  const headers = headersOf(answer);
  ctx.observe(headers);
  const status = { ok: 200, error: 500, limited: 429, overload: 503 }[answer.status];
  if (status !== 200) throw new HttpError({ status, headers, body: '' });
}

function headersOf(answer: Answer): Headers {
  const headers = new Headers();
  if ('retryAfter' in answer) headers.set('retry-after-ms', String(answer.retryAfter));
  if ('remaining' in answer) headers.set('ratelimit-remaining', String(answer.remaining));
  if ('reset' in answer) headers.set('ratelimit-reset', String(Math.ceil((answer.reset ?? 0) / 1000)));
  return headers;
}

function jainIndex(completions: readonly number[][], ends: readonly number[]): number {
  const [from, to] = [Math.max(...ends) / 4, Math.min(...ends)];
  const counts = completions.map((times) => times.filter((at) => at >= from && at <= to).length);
  const sum = counts.reduce((a, b) => a + b, 0);
  return sum ** 2 / (counts.length * counts.reduce((a, b) => a + b * b, 0));
}
