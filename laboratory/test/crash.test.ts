// Real processes on real files, and real pages: killed, stopped, side by side, poisoned.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { hasChromium } from '../../vitest.chromium.ts';
import { openBench } from '../lib/bench.ts';
import { killMany, seeded } from '../lib/kills.ts';
import type { Order } from '../lib/order.ts';
import { countersAreRight } from '../lib/read-task.ts';
import { Place, readFile, startWorker } from '../lib/workers.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const STORES = ['node', 'bun'] as const;
const IN_PAGES = hasChromium('laboratory') ? (['opfs', 'indexeddb'] as const) : [];

function orderOf(store: Order['store'], rest: Partial<Order> = {}): Order {
  const { path, journal } = place;
  const base = { store, path, journal, jobs: 400, ms: 5, concurrency: 10, leaseMs: 30_000, maxCrashes: 3 };
  return { ...base, durability: 'relaxed', ...rest };
}

/** Waits for so many calls of handlers. */
async function called(times: number): Promise<void> {
  while (place.inputs('call').length < times) await sleep(5);
}

function digest(rows: unknown): string {
  const text = JSON.stringify(rows, (_key, value) => (value instanceof Uint8Array ? [...value] : value));
  return createHash('sha256').update(text).digest('hex');
}

for (const [store, kills] of [
  ...STORES.map((store) => [store, 12] as const),
  ...IN_PAGES.map((store) => [store, 4] as const),
]) {
  test(`${store}, killed ${kills} times at random and at placed moments: nothing is lost, nothing recorded twice`, async () => {
    const bench = await openBench(store);
    onTestFinished(() => bench.end());
    const report = await killMany(bench, kills, seeded(20_260_101));
    expect(report).toMatchObject({ store, kills, lost: 0, recordedTwice: 0, countersWrong: 0 });
    expect(report.reruns).toBeGreaterThan(0);
    expect(report.reruns).toBeLessThanOrEqual(kills * 10 * 2);
  }, 240_000);
}

for (const store of STORES) {
  describe(store, () => {
    for (const count of [2, 4]) {
      test(`${count} processes share one task: each job runs once, and all take part`, async () => {
        const workers = Array.from({ length: count }, () => startWorker(orderOf(store, { jobs: 3000 })));
        await Promise.all(workers.map(({ ended }) => ended));
        expect(place.inputs('call').sort((a, b) => a - b)).toEqual(Array.from({ length: 3000 }, (_, n) => n));
        const pids = new Set(place.lines().flatMap(([what, , pid]) => (what === 'call' ? [pid] : [])));
        expect(pids.size).toBe(count);
        expect(place.summaries().map(({ runtime }) => runtime)).toEqual(Array(count).fill(store));
        const found = await readFile(place.path);
        expect(found?.task.counts).toMatchObject({ completed: 3000, failed: 0, pending: 0, active: 0 });
        expect(found && countersAreRight(found)).toBe(true);
      }, 120_000);
    }

    test('a process that was stopped past its lease records nothing when it goes on', async () => {
      const order = orderOf(store, { leaseMs: 1000, jobs: 200, ms: 20 });
      const stale = startWorker(order);
      await called(30);
      stale.process.kill('SIGSTOP');
      await startWorker(order).ended;
      const before = await readFile(place.path);
      expect(before?.task).toMatchObject({ status: 'completed', counts: { completed: 200 } });
      const acknowledged = place.inputs('ack').length;
      stale.process.kill('SIGCONT');
      expect(await stale.ended).toBeNull();
      expect(digest((await readFile(place.path))?.rows)).toBe(digest(before?.rows));
      // What it had recorded before is announced by nobody else, and nothing after.
      expect(place.inputs('ack').length).toBe(acknowledged);
    }, 120_000);

    test('a handler that kills its process is parked after maxCrashes deaths, and the run goes on', async () => {
      const order = orderOf(store, { poison: 7, maxCrashes: 2, concurrency: 1, jobs: 20 });
      expect(await startWorker(order).ended).toBe('SIGKILL');
      expect(await startWorker(order).ended).toBe('SIGKILL');
      expect(await startWorker(order).ended).toBeNull();
      expect(place.summaries()).toMatchObject([{ status: 'completed', completed: 19, failed: 1 }]);
      expect(place.inputs('call').filter((n) => n === 7)).toHaveLength(2);
      const row = (await readFile(place.path))?.rows[7];
      expect(JSON.parse(row?.error ?? '{}')).toMatchObject({ code: 'JOB_POISONED' });
      expect(row?.attempts).toBe(2);
    }, 120_000);
  });
}
