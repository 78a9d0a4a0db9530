// What the world does to real processes: blocked event loops, clocks that jump, disks that are full.
import { spawn } from 'node:child_process';
import { unlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { runFailed, runLarge } from '../lib/big.ts';
import { blockOne } from '../lib/blocked.ts';
import { runDay } from '../lib/day.ts';
import { killForLong } from '../lib/hour.ts';
import { seeded } from '../lib/kills.ts';
import type { Order } from '../lib/order.ts';
import { completedIn, countersAreRight } from '../lib/read-task.ts';
import { commandOf, Place, readFile, startWorker } from '../lib/workers.ts';

for (const store of ['node', 'bun'] as const) {
  test(`${store}: a handler that blocks its process past the lease loses its jobs to the other, and records none of them`, async () => {
    const report = await blockOne(store, 3000, 1000);
    expect(report).toMatchObject({
      lost: 0,
      recordedTwice: 0,
      settledLate: 0,
      countersWrong: 0,
      ended: true,
    });
    expect(report.takenOver).toBe(10);
    expect(report.takenOverAfterMs).toBeGreaterThanOrEqual(300);
    expect(report.takenOverAfterMs).toBeLessThan(2500);
  }, 60_000);

  test(`${store}: a process that is alone and blocked past its lease keeps its jobs`, async () => {
    const place = new Place();
    const { path, journal } = place;
    const order = { store, path, journal, jobs: 40, ms: 10, concurrency: 4, leaseMs: 1000, maxCrashes: 3 };
    const worker = startWorker({ ...order, durability: 'relaxed', block: { n: 10, ms: 2500 } });
    try {
      expect(await worker.ended).toBeNull();
      expect(completedIn((await readFile(path))?.rows ?? []).size).toBe(40);
      expect(place.inputs('call')).toHaveLength(40);
    } finally {
      worker.process.kill('SIGKILL');
      place.remove();
    }
  }, 60_000);
}

/** Runs a worker under a shell command, and gives what it said when it failed. */
async function failureUnder(shell: string, order: Order): Promise<string> {
  const child = spawn('bash', ['-c', `${shell}; exec "$0" "$@"`, ...commandOf(order)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (piece: Buffer) => {
    said += piece.toString();
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  return code === 0 ? '' : said;
}

for (const store of ['node', 'bun'] as const) {
  const orderOf = ({ path, journal }: Place, jobs: number, ms: number): Order => {
    const base = { concurrency: 20, leaseMs: 30_000, durability: 'relaxed', maxCrashes: 3 } as const;
    return { ...base, store, path, journal, jobs, ms };
  };

  test(`${store}: the system refuses to write in mid-run: the run ends as STORAGE_FAILED, and the next one goes on`, async () => {
    const place = new Place();
    const order = orderOf(place, 3000, 1);
    try {
      // Files may have 500 KiB; more is an error of the write.
      const said = await failureUnder(`trap '' XFSZ; ulimit -f 500`, order);
      expect(said).toMatch(/code: ["']STORAGE_FAILED["']/);
      const before = await readFile(place.path);
      expect(before?.task.counts).toMatchObject({ total: 3000, failed: 0 });
      expect(before?.task.counts.completed).toBeGreaterThan(0);
      expect(before?.task.counts.completed).toBe(place.inputs('ack').length);
      expect(await startWorker(order).ended).toBeNull();
      const after = await readFile(place.path);
      expect(completedIn(after?.rows ?? []).size).toBe(3000);
      expect(after && countersAreRight(after)).toBe(true);
      const acknowledged = place.inputs('ack');
      expect(new Set(acknowledged).size).toBe(acknowledged.length);
    } finally {
      place.remove();
    }
  }, 120_000);

  test(`${store}: the file is deleted in mid-run: the run ends as STORAGE_NOT_FOUND`, async () => {
    const place = new Place();
    try {
      const failing = failureUnder('true', orderOf(place, 20_000, 20));
      while (place.inputs('ack').length < 50) await sleep(10);
      unlinkSync(place.path);
      expect(await failing).toMatch(/code: ["']STORAGE_NOT_FOUND["']/);
    } finally {
      place.remove();
    }
  }, 120_000);
}

test('another program holds the lock for 10 s: the run waits for it, and no job runs again', async () => {
  const place = new Place();
  const { path, journal } = place;
  const order: Order = {
    store: 'node',
    path,
    journal,
    jobs: 400,
    ms: 20,
    concurrency: 10,
    leaseMs: 30_000,
    durability: 'relaxed',
    maxCrashes: 3,
  };
  const worker = startWorker(order);
  try {
    while (place.inputs('ack').length < 50) await sleep(5);
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    await sleep(300); // what was on its way is announced
    const before = place.inputs('ack').length;
    await sleep(9700);
    expect(place.inputs('ack').length).toBe(before);
    other.exec('COMMIT');
    other.close();
    expect(await worker.ended).toBeNull();
    expect(completedIn((await readFile(path))?.rows ?? []).size).toBe(400);
    expect(place.inputs('call')).toHaveLength(400);
  } finally {
    worker.process.kill('SIGKILL');
    place.remove();
  }
}, 120_000);

test('a hub that runs many tasks which are destroyed, with thousands of listeners, grows by nothing', async () => {
  const place = new Place();
  const { path, journal } = place;
  try {
    const order = { store: 'node', path, journal, tasks: 300, listeners: 100, isDestroying: true } as const;
    await startWorker(order, fileURLToPath(new URL('../lib/leak-worker.mjs', import.meta.url))).ended;
    const heap = place.lines().map(([, , bytes]) => Number(bytes));
    expect(heap).toHaveLength(10);
    // 2 KB per task are what compiled code and statements take; a task that is kept takes 5 KB, its listeners 20.
    expect((heap[9] ?? 0) - (heap[4] ?? 0)).toBeLessThan(150 * 2500);
  } finally {
    place.remove();
  }
}, 120_000);

test('a process killed every few seconds, audited as the one that is killed each minute for an hour', async () => {
  const report = await killForLong({
    store: 'node',
    minutes: 0.15,
    killEvery: 2,
    rps: 25,
    chance: seeded(5),
  });
  expect(report).toMatchObject({ lost: 0, failed: [], recordedTwice: 0, countersWrong: 0, integrity: 'ok' });
  expect(report.calls.unexplained).toBe(0);
  expect(report.kills).toBeGreaterThanOrEqual(2);
  expect(report.calls.cutOff).toBeGreaterThan(0);
}, 120_000);

test('jobs with large inputs and results are run and read, a few in memory at a time', async () => {
  const size = { store: 'node', jobs: 100, inputChars: 10, outputChars: 3 * 2 ** 20 } as const;
  const { steps } = await runLarge(size);
  expect(steps.map(({ step }) => step)).toEqual(['run', 'read']);
  expect(steps[1]?.result).toMatchObject({ completed: 100, wrong: 0 });
  // 300 MB of text are read; a process takes 60 MB of itself.
  expect(steps[1]?.peakMb).toBeLessThan(280);
}, 120_000);

test('thousands of failed jobs are read, put back, and run again', async () => {
  const { steps } = await runFailed('node', 5000);
  expect(steps.map(({ result }) => result)).toMatchObject([
    { status: 'failed', completed: 0, failed: 5000 },
    { failed: 5000 },
    { reset: 5000, completed: 0, failed: 0, total: 5000 },
    { status: 'completed', completed: 5000, failed: 0 },
    { completed: 5000, failed: 0, wrong: 0 },
  ]);
}, 120_000);

test('four hours of virtual time with a server that is away for an hour: every job is done', async () => {
  const report = await runDay({ hours: 4, rate: 0.5, seed: 1 });
  expect(report).toMatchObject({ failed: 0, unfinished: 0 });
  expect(report.outages).toBeGreaterThanOrEqual(1);
  expect(report.metAway).toBeGreaterThan(0);
  expect(report.dropped).toBeGreaterThan(0);
  expect(report.ratio).toBeLessThan(2);
  expect(report.samples).toBeLessThanOrEqual(240);
}, 60_000);
