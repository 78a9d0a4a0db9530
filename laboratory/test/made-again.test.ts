// Two real processes on one real file: one makes the task again, in another order, while handlers of the other still run.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Order } from '../lib/order.ts';
import { Place, readFile, startWorker } from '../lib/workers.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

for (const store of ['node', 'bun'] as const) {
  test(`${store}: no result of a handler of the old task goes to an input of the new one`, async () => {
    const { path, journal } = place;
    const order: Order = {
      ...{ store, path, journal, jobs: 8, leaseMs: 30_000, durability: 'relaxed', maxCrashes: 3 },
      ...{ ms: 4000, concurrency: 6 },
    };
    // Every second handler of the old process ends soon, and leaves it room for jobs whose places the others have.
    const old = startWorker({ ...order, quickest: 1500 });
    while (place.inputs('call').length < 6) await sleep(5);
    const made = startWorker({ ...order, ms: 800, concurrency: 1, isReversed: true, ifExists: 'restart' });
    await Promise.allSettled([old.ended, made.ended]);

    const found = await readFile(path);
    expect(found?.task.counts).toMatchObject({ total: 8, completed: 8 });
    const results = found?.rows.map(({ input, output }) => [JSON.parse(input).n, JSON.parse(output ?? '')]);
    const by = made.process.pid;
    expect(results).toEqual(Array.from({ length: 8 }, (_, at) => [7 - at, { square: (7 - at) ** 2, by }]));
    await expect(old.ended).rejects.toThrow('TASK_DELETED');
    expect(await made.ended).toBeNull();
  }, 60_000);
}
