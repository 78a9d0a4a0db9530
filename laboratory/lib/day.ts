// A day of virtual time against a server with a rate limit that bans, drops calls, and is away for minutes to an hour.
import { runScenario, seededRandom, type Trial, type TrialWorld } from '@taskhub/core/testing';

/** When the server is away, virtual ms: it refuses connections, or does not answer at all. */
interface Outage {
  from: number;
  to: number;
  kind: 'refused' | 'silent';
}

export interface DayReport {
  hours: number;
  jobs: number;
  outages: number;
  /** Minutes for which the server was away while the run went on. */
  awayMinutes: number;
  /** Time that the run took against that of a client that is never refused and knows when the server is there. */
  ratio: number;
  failed: number;
  unfinished: number;
  /** Calls that the server has refused for its limit, dropped, and that met it away. */
  refused: number;
  dropped: number;
  metAway: number;
  /** Samples of `task.speed` at the end; at most 240. */
  samples: number;
  /** Largest heap after a garbage collection, of which the store in memory holds most, in MB. */
  heapMb: number;
  seconds: number;
}

export interface DayOptions {
  hours: number;
  /** Calls per second that the server lets through. */
  rate: number;
  seed: number;
}

const MINUTE = 60_000;
/** Of a call to a server that does not answer, ms. */
const TIMEOUT = 30_000;
const DROPS = 0.002;

/** Runs as many jobs as `hours` have room for, outages not counted. */
export async function runDay({ hours, rate, seed }: DayOptions): Promise<DayReport> {
  const began = performance.now();
  const random = seededRandom(seed, 1);
  const outages = outagesOf(hours, random);
  const away = outages.reduce((sum, { from, to }) => sum + to - from, 0);
  const jobs = Math.round(rate * ((hours * 60 * MINUTE - away) / 1000));
  const met = { dropped: 0, away: 0 };
  let heap = 0;

  const trial = ({ sleep, clock }: TrialWorld): Trial => {
    const outageAt = (now: number): Outage | undefined =>
      outages.find(({ from, to }) => now >= from && now < to);
    return {
      async handler({ index }, ctx) {
        if (index % 20_000 === 0) heap = Math.max(heap, heapNow());
        const outage = outageAt(clock.monotonic());
        if (outage !== undefined) met.away += 1;
        if (outage?.kind === 'refused') {
          await sleep(5);
          throw new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } });
        }
        const isDropped = outage === undefined && random() < DROPS;
        if (isDropped) met.dropped += 1;
        if (isDropped || outage !== undefined) await aborted(ctx.signal);
        await ctx.fetch(`https://api.example.com/records/${index}`);
      },
      // Nobody is there: as good as a refusal, which costs no attempt.
      isRateLimited: (error) => {
        const { status, cause } = error as { status?: number; cause?: { code?: string } };
        return status === 429 || cause?.code === 'ECONNREFUSED';
      },
      retry: { maxAttempts: 20, maxDelay: 10 * MINUTE },
      timeout: TIMEOUT,
    };
  };
  const result = await runScenario(
    {
      id: 'day',
      jobsPerClient: jobs,
      clients: 1,
      maxConcurrency: 50,
      initialConcurrency: 5,
      minConcurrency: 1,
      clientTimeoutMs: TIMEOUT,
      weights: null,
      oracleMs: hours * 60 * MINUTE,
      server: {
        latency: { dist: 'lognormal', median: 300, sigma: 0.5 },
        rejectMs: 20,
        retryAfter: 's',
        penalty: { ms: MINUTE },
        limits: [{ kind: 'bucket', rate, burst: Math.max(10, 2 * rate) }],
        errorRate: 0.005,
      },
    },
    { seed, trial },
  );
  const { ratio, failed, unfinished, refused, makespan } = result;
  const past = outages.filter(({ from }) => from < makespan);
  return {
    hours,
    jobs,
    outages: past.length,
    awayMinutes: Math.round(past.reduce((sum, { from, to }) => sum + to - from, 0) / MINUTE),
    ratio: Math.round(ratio * 1000) / 1000,
    failed,
    unfinished,
    refused,
    dropped: met.dropped,
    metAway: met.away,
    samples: result.clients[0]?.speed.samples.length ?? 0,
    heapMb: Math.round(Math.max(heap, heapNow()) / 1e6),
    seconds: Math.round((performance.now() - began) / 1000),
  };
}

/** About one in three hours, from 2 minutes to an hour, by turns of both kinds; the first lasts an hour. */
function outagesOf(hours: number, random: () => number): Outage[] {
  const outages: Outage[] = [];
  for (
    let at = MINUTE * (20 + 60 * random());
    at < hours * 60 * MINUTE;
    at += MINUTE * (90 + 180 * random())
  ) {
    const minutes = outages.length === 0 ? 60 : 2 + 58 * random() ** 2;
    const kind = outages.length % 2 === 0 ? 'silent' : 'refused';
    outages.push({ from: at, to: at + minutes * MINUTE, kind });
    at += minutes * MINUTE;
  }
  return outages;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
}

function heapNow(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
