// Blocks and pieces: thousands of jobs that end in any order give what the memory store gives, at the same few requests.
import {
  type JobRecord,
  type JobStatus,
  MemoryAdapter,
  type Settlement,
  type StorageAdapter,
} from '@taskhub/core';
import { newJob, newJobs, newTask, randomOf, T0 } from 'tabs/rows';
import { afterEach, expect, test } from 'vitest';
import { IndexedDBAdapter } from '../../src/index.js';
import { deleteDatabase, newName } from './databases.js';

const opened: { name: string; store: StorageAdapter }[] = [];

afterEach(async () => {
  for (const { name, store } of opened.splice(0)) {
    await store.close();
    await deleteDatabase(name);
  }
});

async function openStore(): Promise<StorageAdapter> {
  const name = newName();
  const store = new IndexedDBAdapter(name);
  opened.push({ name, store });
  await store.open();
  return store;
}

async function pages(
  store: StorageAdapter,
  taskId: string,
  status: JobStatus | undefined,
  limit: number,
): Promise<JobRecord[]> {
  const rows: JobRecord[] = [];
  let after: number | null = 0;
  while (after !== null) {
    const page = await store.readJobs(taskId, { ...(status && { status }), after, limit });
    rows.push(...page.rows);
    expect(page.next === null || page.rows.length > 0).toBe(true);
    after = page.next;
  }
  return rows;
}

async function expectEqual(store: StorageAdapter, model: StorageAdapter, taskId: string): Promise<void> {
  expect(await store.readTask(taskId)).toEqual(await model.readTask(taskId));
  for (const status of [undefined, 'pending', 'active', 'completed', 'failed'] as const) {
    const expected = await pages(model, taskId, status, 1_000);
    for (const limit of [61, 5_000]) {
      expect(await pages(store, taskId, status, limit), `${status}, ${limit}`).toEqual(expected);
    }
  }
}

for (const seed of [1, 2]) {
  test(`pieces: 1,500 jobs with gaps that end in any order are as in memory, seed ${seed}`, async () => {
    const random = randomOf(seed);
    const stores = [await openStore(), new MemoryAdapter()] as const;
    const [store, model] = stores;
    for (const one of stores) await one.insertTask(newTask('t'));
    let seq = 0;
    for (let batch = 0; batch < 12; batch += 1) {
      const jobs = Array.from({ length: batch % 3 === 0 ? 3 : 180 }, () => {
        seq += random() < 0.9 ? 1 : 1 + Math.floor(random() * 300);
        return newJob(seq, 'x'.repeat(random() < 0.02 ? 40_000 : 20));
      });
      for (const one of stores) await one.insertJobs('t', jobs, { now: T0, last: false });
    }
    const held: number[] = [];
    let now = T0;
    for (let step = 0; step < 90; step += 1) {
      now += 100;
      const settle = Array.from(
        { length: Math.min(held.length, Math.floor(random() * 60)) },
        (): Settlement => {
          const [picked = 0] = held.splice(Math.floor(random() * held.length), 1);
          const span = { seq: picked, startedAt: now - 50, endedAt: now };
          const chance = random();
          if (chance < 0.6) return { ...span, outcome: 'completed', output: `out ${picked}` };
          if (chance < 0.8)
            return {
              ...span,
              outcome: 'failed',
              error: `error ${picked}`,
              attempt: chance < 0.7 ? 'spent' : 'unused',
            };
          if (chance < 0.9)
            return { ...span, outcome: 'retry', error: 'again', dueAt: now + Math.floor(random() * 900) };
          return { ...span, outcome: 'interrupted', dueAt: now };
        },
      );
      const claim = { limit: Math.floor(random() * 60), leaseUntil: now + 30_000 };
      const batch = { owner: 'ann', now, settle, claim };
      const [result, expected] = [await store.exchange('t', batch), await model.exchange('t', batch)];
      expect(result).toEqual(expected);
      held.push(...result.claimed.map((job) => job.seq));
      if (step % 45 === 44) {
        expect(await store.resetFailed('t', 37, now)).toEqual(await model.resetFailed('t', 37, now));
        await expectEqual(store, model, 't');
      }
    }
    for (const one of stores) await one.releaseJobs('t', { owner: 'ann', crashed: true }, now);
    await expectEqual(store, model, 't');

    // The same data again, with what has a result copied.
    const all = await pages(model, 't', undefined, 5_000);
    const again = all.map(({ seq: place, hash, key, input }) => ({ seq: place, hash, key, input }));
    for (const one of stores) {
      await one.insertTask(newTask('u', { reuseFrom: 't' }));
      await one.insertJobs('u', again, { now, last: true });
    }
    await expectEqual(store, model, 'u');
    const batch = { owner: 'ann', now, settle: [], claim: { limit: 100, leaseUntil: now + 30_000 } };
    expect(await store.exchange('u', batch)).toEqual(await model.exchange('u', batch));
  });
}

test('reuse: 12,000 copied results are passed over, in several calls', async () => {
  const store = await openStore();
  await store.insertTask(newTask('old'));
  await store.insertJobs('old', newJobs(1, 12_000), { now: T0, last: true });
  for (let seq = 1; seq <= 12_000; ) {
    const { claimed } = await store.exchange('old', {
      owner: 'ann',
      now: T0,
      settle: [],
      claim: { limit: 5_000, leaseUntil: T0 + 30_000 },
    });
    const settle = claimed.map(
      (job): Settlement => ({ seq: job.seq, startedAt: T0, endedAt: T0, outcome: 'completed', output: null }),
    );
    await store.exchange('old', { owner: 'ann', now: T0, settle, claim: null });
    seq += claimed.length;
  }
  await store.insertTask(newTask('new', { reuseFrom: 'old' }));
  const { reused } = await store.insertJobs('new', newJobs(1, 12_010), { now: T0, last: true });
  expect(reused).toBe(12_000);
  const claimed: number[] = [];
  let calls = 0;
  for (let next: number | null = T0; next === T0; calls += 1) {
    const claim = { limit: 100, leaseUntil: T0 + 30_000 };
    const result = await store.exchange('new', { owner: 'ann', now: T0, settle: [], claim });
    claimed.push(...result.claimed.map((job) => job.seq));
    next = result.nextDueAt;
  }
  expect(claimed).toEqual(Array.from({ length: 10 }, (_, at) => 12_001 + at));
  expect(calls).toBeGreaterThan(1);
  expect((await store.readJobs('new', { status: 'pending', limit: 5 })).rows).toEqual([]);
});

test('requests: an exchange of 100 among 20,000 jobs takes a dozen, a page of 100 too', async () => {
  const store = await openStore();
  await store.insertTask(newTask('t'));
  await store.insertJobs('t', newJobs(1, 20_000), { now: T0, last: true });
  const exchange = async (settle: Settlement[]): Promise<Settlement[]> => {
    const claim = { limit: 100, leaseUntil: T0 + 30_000 };
    const { claimed } = await store.exchange('t', { owner: 'ann', now: T0, settle, claim });
    return claimed.map(({ seq }) => ({ seq, startedAt: T0, endedAt: T0, outcome: 'completed', output: 'x' }));
  };
  let held = await exchange([]);
  for (let group = 0; group < 150; group += 1) held = await exchange(held);

  expect(await requestsOf(() => exchange(held))).toBeLessThanOrEqual(12);
  for (const status of [undefined, 'pending', 'active', 'completed', 'failed'] as const) {
    const query = { ...(status && { status }), after: 14_500, limit: 100 };
    expect(await requestsOf(() => store.readJobs('t', query)), status).toBeLessThanOrEqual(12);
  }
});

/** How many requests are made meanwhile. */
async function requestsOf(work: () => Promise<unknown>): Promise<number> {
  const names = ['get', 'getAll', 'getAllKeys', 'put', 'add', 'delete', 'openCursor'] as const;
  const originals = new Map<object, Map<string, unknown>>();
  let requests = 0;
  for (const prototype of [IDBObjectStore.prototype, IDBIndex.prototype] as object[]) {
    const saved = new Map<string, unknown>();
    originals.set(prototype, saved);
    for (const name of names) {
      const original = Reflect.get(prototype, name);
      if (typeof original !== 'function') continue;
      saved.set(name, original);
      Reflect.set(prototype, name, function (this: unknown, ...args: unknown[]) {
        requests += 1;
        return Reflect.apply(original, this, args);
      });
    }
  }
  try {
    await work();
  } finally {
    for (const [prototype, saved] of originals) {
      for (const [name, original] of saved) Reflect.set(prototype, name, original);
    }
  }
  expect(requests).toBeGreaterThan(0);
  return requests;
}
