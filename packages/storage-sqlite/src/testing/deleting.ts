// Deleting large tasks: gone at once for everybody, rows removed in slices, and finished later if it was cut short.
import { expect, test } from 'vitest';
import { completed, exchangeOf, insertMany, NOW, newPath, newTask, readValue } from './fixtures.js';
import { storesOf, type TestedStore } from './subject.js';

export function deletingTests(subject: TestedStore): void {
  const { openStore, openRaw, storeWithJobs } = storesOf(subject);

  function rowsIn(path: string): Record<string, number> {
    const file = openRaw(path);
    const count = (table: string): number => Number(readValue(file, `SELECT count(*) FROM ${table}`));
    const tables = ['task', 'progress', 'owner', 'job', 'live', 'result', 'deleted_task'];
    const rows = Object.fromEntries(tables.map((table) => [table, count(table)]));
    file.close();
    return rows;
  }

  test('deleteTask: other calls go on between its slices, and see the task gone from the first moment', async () => {
    const path = newPath();
    const store = await storeWithJobs(path, 12_000);
    await store.insertTask(newTask('other'));
    await insertMany(store, 'other', 10);
    const order: string[] = [];
    const deleting = store.deleteTask('t').then(() => order.push('deleted'));
    expect(await store.readTask('t')).toBeNull();
    expect((await store.exchange('t', exchangeOf())).status).toBeNull();
    expect((await store.exchange('other', exchangeOf())).claimed).toHaveLength(10);
    order.push('other work');
    await deleting;
    expect(order).toEqual(['other work', 'deleted']);
    expect(rowsIn(path)).toMatchObject({ task: 1, progress: 1, job: 10, live: 10, deleted_task: 0 });
  });

  test('deleteTask: what close cut short is finished after the next open', async () => {
    const path = newPath();
    const store = await storeWithJobs(path, 12_000);
    const { claimed } = await store.exchange('t', exchangeOf({ claim: { limit: 500, leaseUntil: NOW + 1 } }));
    const settle = claimed.slice(0, 400).map(({ seq }) => completed(seq));
    await store.exchange('t', exchangeOf({ settle, claim: null }));
    const deleting = store.deleteTask('t');
    await store.readTask('t');
    await store.close();
    expect(await deleting).toBe(true);
    expect(rowsIn(path)).toMatchObject({ task: 0, progress: 0, owner: 0, deleted_task: 1 });
    expect(rowsIn(path).job).toBeGreaterThan(0);

    const again = await openStore(path);
    await again.insertTask(newTask('t'));
    await insertMany(again, 't', 5);
    // Deleting another one waits for the sweep that `open` began.
    await again.insertTask(newTask('brief'));
    await again.deleteTask('brief');
    expect(rowsIn(path)).toEqual({
      task: 1,
      progress: 1,
      owner: 0,
      job: 5,
      live: 0,
      result: 0,
      deleted_task: 0,
    });
    expect((await again.readTask('t'))?.counts.total).toBe(5);
  });

  test('publishTask: a provisional task whose id is taken is removed with its jobs', async () => {
    const path = newPath();
    const store = await openStore(path);
    await store.insertTask(newTask('final'));
    await store.insertTask(newTask('provisional', { status: 'ingesting' }));
    await insertMany(store, 'provisional', 6_000);
    const published = await store.publishTask('provisional', { id: 'final', root: '00', duplicates: 0 }, NOW);
    expect(published).toMatchObject({ created: false, task: { id: 'final', counts: { total: 0 } } });
    await store.deleteTask('none');
    await store.insertTask(newTask('brief'));
    await store.deleteTask('brief');
    expect(rowsIn(path)).toMatchObject({ task: 1, job: 0, owner: 0, deleted_task: 0 });
  });
}
