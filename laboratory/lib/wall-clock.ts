// Processes whose wall clock is set while they work: libfaketime stands between them and the system's clock.
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startLimitedApi } from '../../examples/limited-api.ts';
import type { LongOrder } from './hour.ts';
import { completedIn, countersAreRight } from './read-task.ts';
import { Place, type ProcessWorker, readFile, startWorker } from './workers.ts';

export interface WallClockReport {
  store: string;
  processes: number;
  /** Minutes by which the clock was wrong, one after the other, with seconds of real time between them. */
  steps: readonly number[];
  jobs: number;
  lost: number;
  recordedTwice: number;
  countersWrong: number;
  /** Handler calls beyond one per job and per failed call. */
  reruns: number;
  /** Jobs that have ended before they began, or have taken longer than the whole run. */
  wrongDurations: number;
  /** Real ms from the first handler call to the end. */
  elapsedMs: number;
  /** Processes that had not come to their end after three times the time it takes. */
  hung: number;
}

const WORKER = fileURLToPath(new URL('hour-worker.mjs', import.meta.url));
const PLACES = ['/usr/lib/x86_64-linux-gnu/faketime', '/usr/lib/aarch64-linux-gnu/faketime'];
const JOBS = 300;
const RPS = 30;

/** Runs a task against a service that refuses and fails, while the clock of its processes is set. */
export async function setClocks(
  store: LongOrder['store'],
  processes: number,
  steps: readonly number[],
): Promise<WallClockReport> {
  const library = PLACES.map((folder) => join(folder, 'libfaketime.so.1')).find(existsSync);
  if (library === undefined)
    throw new Error(`libfaketime is not in ${PLACES.join(' or ')}: apt-get install faketime`);
  const place = new Place();
  const clock = join(place.folder, 'clock');
  const set = (minutes: number): void => {
    // A file that is written while it is read would be another time.
    writeFileSync(`${clock}-next`, `${minutes < 0 ? '-' : '+'}${Math.abs(minutes * 60)}`);
    renameSync(`${clock}-next`, clock);
  };
  set(0);
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  const service = await startLimitedApi({
    rps: RPS,
    errorRate: 0.1,
    resetRate: 0.02,
    latency: { median: 100, spread: 0.7 },
    answer: ({ record }) => ({ square: Number(record) ** 2 }),
  });
  const { path, journal } = place;
  const order: LongOrder = { store, path, journal, jobs: JOBS, url: service.url };
  const workers: ProcessWorker[] = [];
  try {
    for (let nth = 0; nth < processes; nth += 1) workers.push(startWorker(order, WORKER, env));
    while (place.inputs('call').length === 0) await sleep(5);
    const began = performance.now();
    const expected = (JOBS / RPS) * 1000;
    for (const minutes of steps) {
      await sleep(expected / (steps.length + 1));
      set(minutes);
    }
    const all = Promise.all(workers.map(({ ended }) => ended)).then(() => true);
    await Promise.race([all, sleep(3 * expected + 5000, false, { ref: false })]);
    const elapsedMs = Math.round(performance.now() - began);
    const found = await readFile(path);
    if (found === undefined) throw new Error('the task is gone');
    const acknowledged = place.inputs('ack');
    const calls = place.inputs('call').length;
    const fails = place.lines().filter(([what]) => what === 'fail').length;
    return {
      store,
      processes,
      steps,
      jobs: JOBS,
      lost: JOBS - completedIn(found.rows).size,
      recordedTwice: acknowledged.length - new Set(acknowledged).size,
      countersWrong: countersAreRight(found) ? 0 : 1,
      reruns: calls - JOBS - fails,
      wrongDurations: found.rows.filter(({ startedAt, endedAt }) => {
        const took = (endedAt ?? 0) - (startedAt ?? 0);
        return took < 0 || took > elapsedMs;
      }).length,
      elapsedMs,
      hung: workers.filter(({ process }) => process.exitCode === null).length,
    };
  } finally {
    for (const { process } of workers) process.kill('SIGKILL');
    await service.close();
    place.remove();
  }
}
