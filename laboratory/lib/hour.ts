// A task of many minutes against a real service with a rate limit, errors and broken connections, whose process is
// killed each minute; at the end, an audit of everything that was recorded.
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startLimitedApi } from '../../examples/limited-api.ts';
import { countersAreRight } from './read-task.ts';
import { checkIntegrity, Place, type ProcessWorker, readFile, startWorker } from './workers.ts';

/** What hour-worker.mjs is told. */
export interface LongOrder {
  store: 'node' | 'bun';
  path: string;
  journal: string;
  jobs: number;
  url: string;
}

export interface HourOptions {
  store: 'node' | 'bun';
  /** How long processes are killed. Then the task is let come to its end. */
  minutes: number;
  /** Processes that share the task. The first is killed and started again; the others live on. @default 1 */
  processes?: number;
  /** From one kill to the next: about so long, half of it more or less. @default 60 */
  killEvery?: number;
  /** Calls per second that the service lets through. @default 8 */
  rps?: number;
  chance: () => number;
  /** Told after each kill. */
  progress?: (kills: number) => void;
}

/** What a run with kills came to. All counts but `answeredAgain` and `refused` must fit exactly. */
export interface HourReport {
  store: string;
  minutes: number;
  processes: number;
  kills: number;
  jobs: number;
  /** Inputs without a row, or whose row has neither a right result nor an error. */
  lost: number;
  /** Jobs that failed for good, and why: none should, with ten attempts. */
  failed: { n: number; attempts: number; error: string }[];
  /** Inputs with more than one row, or that were announced more than once. */
  recordedTwice: number;
  countersWrong: number;
  /** The answer of `PRAGMA integrity_check`. */
  integrity: string;
  /** Handler calls. They are the results, the calls that failed, and those cut off by a kill that were not recorded. */
  calls: { all: number; failed: number; cutOff: number; cutOffRecorded: number; unexplained: number };
  /** What the service has seen. */
  service: { answered: number; answeredAgain: number; refused: number };
  /** From a kill to the first handler call of the process that was started at once. */
  takeoverMs: { median: number; worst: number };
  /** The largest of each tenth of the time, in MB and after a garbage collection: of the killed process, and of the others. */
  memory: Record<'killed' | 'others', { rss: number[]; heap: number[] }>;
  /** Of the database at the end, closed. */
  databaseBytes: number;
}

const WORKER = fileURLToPath(new URL('hour-worker.mjs', import.meta.url));

/** Runs a task for so many minutes and kills its process about each minute. */
export async function killForLong(options: HourOptions): Promise<HourReport> {
  const { store, minutes, processes = 1, killEvery = 60, rps = 8, chance } = options;
  const place = new Place();
  const service = await startLimitedApi({
    rps,
    errorRate: 0.01,
    resetRate: 0.005,
    latency: { median: 400, spread: 0.7 },
    answer: ({ record }) => ({ square: Number(record) ** 2 }),
  });
  const jobs = Math.ceil(minutes * 60 * rps);
  const order: LongOrder = { store, path: place.path, journal: place.journal, jobs, url: service.url };
  const start = (): ProcessWorker => startWorker(order, WORKER);
  const startedAt = Date.now();
  const killed: { pid: number; at: number }[] = [];
  let first = start();
  const others = Array.from({ length: processes - 1 }, start);
  try {
    for (;;) {
      const wait = killEvery * 1000 * (0.5 + chance());
      if (Date.now() + wait > startedAt + minutes * 60_000) break;
      const ended = await Promise.race([first.ended.then(() => true), sleep(wait, false, { ref: false })]);
      if (ended) break; // It was done before.
      first.process.kill('SIGKILL');
      await first.ended;
      killed.push({ pid: first.process.pid ?? 0, at: Date.now() });
      first = start();
      options.progress?.(killed.length);
    }
    await Promise.all([first, ...others].map(({ ended }) => ended));
    const living = new Set(others.map(({ process }) => process.pid ?? 0));
    const memory = memoryIn(place.lines(), living, startedAt);
    const report = { ...(await audit(order, place, killed)), memory };
    const { answered, refused, fetches } = service.stats();
    const answeredAgain = [...fetches.values()].filter((times) => times > 1).length;
    return { store, minutes, processes, ...report, service: { answered, answeredAgain, refused } };
  } finally {
    for (const { process } of [first, ...others]) process.kill('SIGKILL');
    await service.close();
    place.remove();
  }
}

type Audit = Omit<HourReport, 'store' | 'minutes' | 'processes' | 'service' | 'memory'>;

async function audit(
  { path, jobs }: LongOrder,
  place: Place,
  killed: readonly { pid: number; at: number }[],
): Promise<Audit> {
  const found = await readFile(path);
  if (found === undefined) throw new Error('the task is gone');
  const results = new Map<number, { square: number; by: number }>();
  const inputs = found.rows.map(({ input, output, status }) => {
    const { n } = JSON.parse(input) as { n: number };
    if (status === 'completed' && output !== null) results.set(n, JSON.parse(output));
    return n;
  });
  const failed = found.rows.flatMap(({ seq, attempts, error, status }) =>
    status === 'failed' ? [{ n: seq - 1, attempts, error: error ?? '' }] : [],
  );
  const right = [...results].filter(([n, { square }]) => square === n * n && n < jobs).length;

  const lines = place.lines();
  const of = (kind: string): { n: number; pid: number }[] =>
    lines.flatMap(([what, n, pid]) => (what === kind ? [{ n: Number(n), pid: Number(pid) }] : []));
  const [calls, fails, acks] = [of('call'), of('fail'), of('ack')];
  const isAnnounced = new Set(acks.map(({ n }) => n));
  const isKilled = new Set(killed.map(({ pid }) => pid));
  const ended = [...fails, ...acks].filter(({ pid }) => isKilled.has(pid)).length;
  const cutOff = calls.filter(({ pid }) => isKilled.has(pid)).length - ended;
  const cutOffRecorded = [...results].filter(([n, { by }]) => isKilled.has(by) && !isAnnounced.has(n)).length;

  const times = lines.flatMap(([what, , , at]) => (what === 'call' ? [Number(at)] : []));
  const takeovers = killed
    .map(({ at }) => (times.find((time) => time >= at) ?? Number.POSITIVE_INFINITY) - at)
    .sort((a, b) => a - b);
  return {
    kills: killed.length,
    jobs,
    lost: jobs - right - failed.length,
    failed,
    recordedTwice: inputs.length - new Set(inputs).size + acks.length - isAnnounced.size,
    countersWrong: countersAreRight(found) ? 0 : 1,
    integrity: checkIntegrity(path),
    calls: {
      all: calls.length,
      failed: fails.length,
      cutOff,
      cutOffRecorded,
      unexplained: calls.length - right - fails.length - cutOff + cutOffRecorded,
    },
    takeoverMs: { median: takeovers[takeovers.length >> 1] ?? 0, worst: takeovers.at(-1) ?? 0 },
    databaseBytes: statSync(path).size,
  };
}

function memoryIn(
  lines: readonly string[][],
  living: ReadonlySet<number>,
  startedAt: number,
): HourReport['memory'] {
  const samples = lines.flatMap(([what, ...numbers]) => {
    if (what !== 'mem') return [];
    const [rss = 0, heap = 0, pid = 0, at = 0] = numbers.map(Number);
    return [{ rss, heap, at, who: living.has(pid) ? ('others' as const) : ('killed' as const) }];
  });
  const tenth = (Math.max(...samples.map(({ at }) => at)) + 1 - startedAt) / 10;
  const largest = (who: 'killed' | 'others', what: 'rss' | 'heap'): number[] =>
    Array.from({ length: 10 }, (_, nth) => {
      const those = samples.filter(
        (sample) => sample.who === who && Math.floor((sample.at - startedAt) / tenth) === nth,
      );
      return Math.round(Math.max(0, ...those.map((sample) => sample[what])) / 1e5) / 10;
    });
  const both = (who: 'killed' | 'others') => ({ rss: largest(who, 'rss'), heap: largest(who, 'heap') });
  return { killed: both('killed'), others: both('others') };
}
