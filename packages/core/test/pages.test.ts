import { expect, test } from 'vitest';
import type { JobQuery } from '../src/storage/contract.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { bench, listSource } from './fixtures.js';

const MILLION = 1 << 20;

/** A store that notes how much each page of jobs holds. */
class NotedStore extends MemoryAdapter {
  readonly pages: { rows: number; chars: number }[] = [];

  override async readJobs(taskId: string, query: JobQuery) {
    const page = await super.readJobs(taskId, query);
    const chars = page.rows.reduce((sum, row) => sum + row.input.length + (row.output?.length ?? 0), 0);
    this.pages.push({ rows: page.rows.length, chars });
    return page;
  }
}

async function taskWith(sizes: readonly number[]) {
  const store = new NotedStore();
  const b = bench(store);
  const inputs = sizes.map((size, n) => ({ n, size }));
  const source = listSource(inputs, { handler: ({ size }: { size: number }) => 'x'.repeat(size) });
  const task = await b.run(b.hub.createTask({ name: 't', source }));
  await b.run(task.start());
  store.pages.length = 0;
  return { task, store, run: b.run };
}

async function count(jobs: AsyncIterable<unknown>): Promise<number> {
  let sum = 0;
  for await (const _ of jobs) sum += 1;
  return sum;
}

test('results: large ones are read a few at a time', async () => {
  const { task, store, run } = await taskWith(Array(60).fill(MILLION));
  expect(await run(count(task.results()))).toBe(60);
  expect(Math.max(...store.pages.map(({ chars }) => chars))).toBeLessThan(5 * MILLION);
});

test('results: ones larger than a page are read alone', async () => {
  const { task, store, run } = await taskWith(Array(4).fill(5 * MILLION));
  expect(await run(count(task.results()))).toBe(4);
  expect(store.pages.map(({ rows }) => rows)).toEqual([1, 1, 1, 1]);
});

test('results: small ones are soon read a thousand at a time, and after large ones again', async () => {
  const { task, store, run } = await taskWith([...Array(2500).fill(9), 9 * MILLION, ...Array(1700).fill(9)]);
  expect(await run(count(task.results()))).toBe(4201);
  const rows = store.pages.map((page) => page.rows);
  expect(rows.slice(0, 5)).toEqual([1, 8, 64, 512, 1000]);
  expect(rows.length).toBeLessThan(15);
});

test('getResults: asks for no more jobs than are wanted', async () => {
  const { task, store, run } = await taskWith(Array(50).fill(9));
  expect(await run(task.getResults({ limit: 3 }))).toHaveLength(3);
  expect(store.pages.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(4);
});
