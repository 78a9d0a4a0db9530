// behaviour.md, section 3: creation is atomic to an observer, wherever it is killed and whatever call of the store fails.
import { describe, expect, test } from 'vitest';
import { Hub } from '../src/hub.js';
import type { StorageAdapter } from '../src/storage/contract.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { type Fault, FaultyAdapter } from '../src/testing/faulty-adapter.js';
import { VirtualClock } from '../src/testing/virtual-clock.js';
import type { SourceData } from '../src/types.js';
import { listSource, numbers, portsOf } from './fixtures.js';

const COUNT = 1200;
const FORMS: [string, () => SourceData<number>][] = [
  ['array', () => numbers(COUNT)],
  ['stream', () => numbers(COUNT).values()],
];

interface World {
  inner: MemoryAdapter;
  store: FaultyAdapter;
  clock: VirtualClock;
  /** Calls of the store so far. */
  calls(): number;
}

/** A store of which the `at`-th call goes wrong. */
function world(at: number, fault: Fault): World {
  const inner = new MemoryAdapter();
  let calls = 0;
  const store = new FaultyAdapter(inner, () => (++calls === at ? fault : undefined));
  return { inner, store, clock: new VirtualClock(), calls: () => calls };
}

const options = (data: () => SourceData<number>) => ({ name: 'n', source: listSource(data) });

/** How many calls of the store an undisturbed creation makes. */
async function callsOf(data: () => SourceData<number>): Promise<number> {
  const { store, clock, calls } = world(0, {});
  await clock.run(new Hub(store, { ports: portsOf(clock) }).createTask(options(data)));
  return calls();
}

/** Nobody sees a part of the task, and the next creation has all of it. */
async function expectWhole(
  adapter: StorageAdapter,
  hub: Hub,
  clock: VirtualClock,
  form: () => SourceData<number>,
) {
  for (const { totalJobs } of await hub.listTasks()) expect(totalJobs).toBe(COUNT);
  const task = await clock.run(hub.createTask(options(form)));
  expect((await task.getResults()).map((job) => job.input)).toEqual(numbers(COUNT));
  expect([task.status, (await adapter.listTasks({ limit: 9 })).rows.length]).toEqual(['idle', 1]);
}

describe.each(FORMS)('of an %s', (_, data) => {
  test('killed before any call of the store: the next run finds no task or completes it', async () => {
    const last = await callsOf(data);
    expect(last).toBeGreaterThan(5);
    for (let at = 1; at <= last; at++) {
      const { inner, store, clock } = world(at, { until: new Promise(() => {}) });
      void new Hub(store, { ports: portsOf(clock) }).createTask(options(data));
      await clock.advance(1000);
      const later = new VirtualClock(clock.now() + 60_000);
      const next = new Hub(inner, { ports: portsOf(later) });
      await expectWhole(inner, next, later, data);
      expect((await inner.listTasks({ status: 'ingesting', limit: 9 })).rows).toEqual([]);
    }
  });

  test.each([false, true])(
    'any call of the store fails (its work done: %s): createTask can be repeated',
    async (applied) => {
      const last = await callsOf(data);
      for (let at = 1; at <= last; at++) {
        const { inner, store, clock } = world(at, { error: new Error('disk'), applied });
        const hub = new Hub(store, { ports: portsOf(clock) });
        const made = clock.run(hub.createTask(options(data)));
        await made.catch((error: unknown) => expect(error).toMatchObject({ code: 'STORAGE_FAILED' }));
        await expectWhole(inner, hub, clock, data);
        expect((await inner.listTasks({ status: 'ingesting', limit: 9 })).rows).toEqual([]);
      }
    },
  );

  test('closed at any call of the store: createTask rejects with HUB_CLOSED or is done', async () => {
    const last = await callsOf(data);
    for (let at = 1; at <= last; at++) {
      let reach: () => void = () => {};
      const reached = new Promise<void>((resolve) => {
        reach = resolve;
      });
      const { inner, store, clock } = world(0, {});
      let calls = 0;
      store.plan = () => {
        if (++calls === at) reach();
        return undefined;
      };
      const hub = new Hub(store, { ports: portsOf(clock) });
      const made = hub.createTask(options(data)).catch((error: unknown) => error);
      await clock.run(reached);
      await clock.run(hub.close());
      const answer = await clock.run(made);
      if (answer instanceof Error) expect(answer).toMatchObject({ code: 'HUB_CLOSED' });
      expect([clock.pending, (await inner.listTasks({ status: 'ingesting', limit: 9 })).rows]).toEqual([
        0,
        [],
      ]);
      await expectWhole(inner, new Hub(inner, { ports: portsOf(clock) }), clock, data);
    }
  });
});
