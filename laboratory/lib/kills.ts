// Kills workers at random and at placed moments until so many have died, and counts what went wrong.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import type { Order } from './order.ts';
import { completedIn, countersAreRight } from './read-task.ts';
import type { Place } from './workers.ts';

/** What the kills of one store came to. */
export interface KillReport {
  store: string;
  kills: number;
  /** Jobs of all tasks. */
  jobs: number;
  /** Jobs without a result at the end, or whose announced result was gone after a kill. */
  lost: number;
  /** Completions that were announced more than once. */
  recordedTwice: number;
  /** Handler calls beyond one per job: what was in flight when its process died. */
  reruns: number;
  /** Kills after which counters and rows differed. */
  countersWrong: number;
  /**
   * From the death of a process to the first handler call of the next one: median and worst. What the look at the
   * database in between takes is left out.
   */
  takeoverMs: { median: number; worst: number };
}

const JOBS = 1500;
const CONCURRENCY = 10;
/** Kills after which a task is let come to its end. */
const KILLS_PER_TASK = 25;
const PLACES = ['insertTask', 'insertJobs', 'publishTask', 'transitionTask', 'exchange', 'releaseJobs'];

/** @param chance - a number in [0, 1): decides when processes die */
export async function killMany(
  bench: Bench,
  kills: number,
  chance: () => number,
  progress: (kills: number) => void = () => undefined,
): Promise<KillReport> {
  const { store, place } = bench;
  const sums = { kills: 0, jobs: 0, lost: 0, recordedTwice: 0, reruns: 0, countersWrong: 0 };
  const takeovers: number[] = [];
  while (sums.kills < kills) {
    bench.clear();
    const order: Order = {
      store,
      path: bench.path,
      journal: place.journal,
      jobs: JOBS,
      ms: 4,
      concurrency: CONCURRENCY,
      leaseMs: 30_000,
      durability: 'relaxed',
      // A job may be hit by many kills; this is not about that.
      maxCrashes: 1000,
    };
    let diedAt: number | undefined;
    const until = Math.min(kills, sums.kills + KILLS_PER_TASK);
    while (sums.kills < until) {
      const died = await killOne(bench, order, chance);
      if (diedAt !== undefined) note(takeovers, place, diedAt);
      if (died === undefined) break; // it was done before
      sums.kills += 1;
      progress(sums.kills);
      const found = await bench.read();
      diedAt = died.inRun ? Date.now() : undefined;
      if (found === undefined) continue;
      if (!countersAreRight(found)) sums.countersWrong += 1;
      const completed = completedIn(found.rows);
      sums.lost += place.inputs('ack').filter((n) => !completed.has(n)).length;
    }
    if (place.summaries().length === 0) await bench.start(order).ended;
    const found = await bench.read();
    const acknowledged = place.inputs('ack');
    sums.jobs += JOBS;
    sums.lost += JOBS - rightResults(found?.rows ?? []);
    sums.recordedTwice += acknowledged.length - new Set(acknowledged).size;
    sums.reruns += place.inputs('call').length - JOBS;
  }
  takeovers.sort((a, b) => a - b);
  const median = takeovers[takeovers.length >> 1] ?? 0;
  return { store, ...sums, takeoverMs: { median, worst: takeovers.at(-1) ?? 0 } };
}

/** @returns whether it died in mid-run; undefined when it was done before */
async function killOne(
  bench: Bench,
  order: Order,
  chance: () => number,
): Promise<{ inRun: boolean } | undefined> {
  const before = bench.place.lines().length;
  const isCalled = (): boolean =>
    bench.place
      .lines()
      .slice(before)
      .some(([what]) => what === 'call');
  const kind = chance();
  const method = PLACES[Math.floor(chance() * PLACES.length)] ?? 'exchange';
  const nth = 1 + Math.floor(chance() * (method === 'exchange' ? 60 : 2));
  const isPlaced = kind < 0.35;
  const worker = bench.start(isPlaced ? { ...order, dieAt: { method, nth, done: chance() < 0.5 } } : order);
  let isOver = false;
  const ended = worker.ended.finally(() => {
    isOver = true;
  });
  const moment = chance();
  await worker.born;
  // A place that is never reached is no way to die.
  if (isPlaced) setTimeout(worker.kill, 2000 + moment * 200).unref();
  else if (kind < 0.6) setTimeout(worker.kill, 20 + moment * 400);
  else {
    while (!isCalled() && !isOver) await sleep(5);
    setTimeout(worker.kill, moment * 150);
  }
  return (await ended) === 'SIGKILL' ? { inRun: isCalled() } : undefined;
}

/** How long the process after a death took to call its first handler. */
function note(takeovers: number[], place: Place, diedAt: number): void {
  const first = place.lines().find(([what, , , at]) => what === 'call' && Number(at) >= diedAt);
  if (first !== undefined) takeovers.push(Number(first[3]) - diedAt);
}

function rightResults(rows: readonly { status: string; input: string; output: string | null }[]): number {
  return rows.filter(({ status, input, output }) => {
    if (status !== 'completed' || output === null) return false;
    const { n } = JSON.parse(input) as { n: number };
    return (JSON.parse(output) as { square: number }).square === n * n;
  }).length;
}

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
