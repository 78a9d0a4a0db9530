// What happens only with more rows than one slice holds, or with ids near their end.
import { expect, test } from 'vitest';
import {
  completed,
  exchangeOf,
  failed,
  insertMany,
  NOW,
  newJobs,
  newPath,
  newTask,
  rejection,
} from './fixtures.js';
import { storesOf, type TestedStore } from './subject.js';

export function largeTests(subject: TestedStore): void {
  const { openStore, openRaw, openStoreWithDriver, storeWithJobs } = storesOf(subject);

  test('insertJobs: a stream that is read again after a restart adds only what is new', async () => {
    const path = newPath();
    await (await storeWithJobs(path, 12_000)).close();
    const store = await openStore(path);
    const again = await store.insertJobs('t', newJobs(11_990, 12_010), { now: NOW, last: true });
    expect(again).toMatchObject({ inserted: 10, counts: { total: 12_010 } });
    expect(again.duplicates.map(({ seq, sameInput }) => [seq, sameInput])).toEqual(
      newJobs(11_990, 12_000).map(({ seq }) => [seq, true]),
    );
  });

  test('insertJobs: reuse finds results among more rows than one slice', async () => {
    const store = await storeWithJobs(newPath(), 12_000);
    for (let seq = 1; seq <= 12_000; ) {
      const { claimed } = await store.exchange(
        't',
        exchangeOf({ claim: { limit: 1_000, leaseUntil: NOW + 1 } }),
      );
      const settle = claimed.map((job) => (job.seq % 2 === 0 ? completed(job.seq) : failed(job.seq)));
      seq += (await store.exchange('t', exchangeOf({ settle, claim: null }))).counts.total && claimed.length;
    }
    await store.insertTask(newTask('next', { reuseFrom: 't' }));
    const inserted = await store.insertJobs('next', newJobs(11_001, 12_500), { now: NOW, last: true });
    expect(inserted).toMatchObject({ inserted: 1_500, reused: 500 });
  });

  test('exchange: a long run of copied results is passed over in several calls, each asking to come again', async () => {
    const { store } = await openStoreWithDriver(newPath());
    await store.insertTask(newTask('old'));
    await insertMany(store, 'old', 45_000);
    for (let done = 0; done < 45_000; ) {
      const { claimed } = await store.exchange(
        'old',
        exchangeOf({ claim: { limit: 5_000, leaseUntil: NOW + 1 } }),
      );
      const settle = claimed.map(({ seq }) => completed(seq));
      done = (await store.exchange('old', exchangeOf({ settle, claim: null }))).counts.completed;
    }
    await store.insertTask(newTask('new', { reuseFrom: 'old' }));
    await insertMany(store, 'new', 45_010);
    expect((await store.readTask('new'))?.counts).toMatchObject({ completed: 45_000, pending: 10 });
    // A page of pending jobs finds them in slices as well, and is full.
    const { rows, next } = await store.readJobs('new', { status: 'pending', limit: 5 });
    expect(rows.map(({ seq }) => seq)).toEqual([45_001, 45_002, 45_003, 45_004, 45_005]);
    expect(next).toBe(45_005);
    const calls = [];
    for (let claimed = 0; claimed < 10; ) {
      const result = await store.exchange('new', exchangeOf({ now: NOW + 5 }));
      claimed += result.claimed.length;
      calls.push({ claimed: result.claimed.length, nextDueAt: result.nextDueAt });
    }
    expect(calls).toEqual([
      { claimed: 0, nextDueAt: NOW + 5 },
      { claimed: 0, nextDueAt: NOW + 5 },
      { claimed: 10, nextDueAt: null },
    ]);
    expect(
      (await store.readJobs('new', { status: 'active', limit: 100 })).rows.map(({ seq }) => seq),
    ).toEqual(newJobs(45_001, 45_010).map(({ seq }) => seq));
  }, 60_000);

  test('resetFailed: many failed jobs go back in several calls', async () => {
    const store = await storeWithJobs(newPath(), 2_500);
    const { claimed } = await store.exchange(
      't',
      exchangeOf({ claim: { limit: 2_500, leaseUntil: NOW + 1 } }),
    );
    await store.exchange('t', exchangeOf({ settle: claimed.map(({ seq }) => failed(seq)), claim: null }));
    const reset = [];
    while (reset.at(-1) !== 0) reset.push((await store.resetFailed('t', 10_000, NOW)).reset);
    expect(reset).toEqual([1_000, 1_000, 500, 0]);
    expect((await store.readTask('t'))?.counts).toMatchObject({ failed: 0, waiting: 2_500 });
  });

  test('insertTask: a file that has no number left for a task says so', async () => {
    const path = newPath();
    await (await openStore(path)).close();
    const file = openRaw(path);
    file.exec("INSERT INTO sqlite_sequence VALUES ('task', 2097150)");
    file.close();
    const store = await openStore(path);
    await store.insertTask(newTask('last'));
    await store.insertJobs('last', newJobs(2 ** 32 - 2, 2 ** 32 - 1), { now: NOW, last: true });
    const { rows } = await store.readJobs('last', { limit: 10 });
    expect(rows.map(({ seq, input }) => [seq, input])).toEqual(
      newJobs(2 ** 32 - 2, 2 ** 32 - 1).map(({ seq, input }) => [seq, input]),
    );
    expect(await rejection(store.insertTask(newTask('over')), 'STORAGE_FAILED')).toContain('2097151');
    const over = store.insertJobs('last', newJobs(2 ** 32, 2 ** 32), { now: NOW, last: true });
    expect(await rejection(over, 'STORAGE_FAILED')).toContain('4294967295');
    expect((await store.listTasks({ limit: 10 })).rows.map(({ id }) => id)).toEqual(['last']);
  });
}
