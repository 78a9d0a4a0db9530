// Opening: options, files that are not there, a file system that is refused.

import { newJobs, newTask, rejection, T0 } from 'tabs/rows';
import { expect, test, vi } from 'vitest';
import { OPFSAdapter } from '../../src/index.js';
import { deleteDatabase, folderOf, newName, newStore, workerUrl } from './databases.js';

const missing = new URL('/no/such/file.js', location.href).href;

/** The `ms` that a promise takes. */
async function timeOf(promise: Promise<unknown>): Promise<number> {
  const started = performance.now();
  await promise;
  return performance.now() - started;
}

test('constructor: without a name the database is called taskhub', async () => {
  const store = new OPFSAdapter(undefined, { workerUrl });
  await store.open();
  expect((await folderOf('taskhub')).kind).toBe('directory');
  await store.close();
  await deleteDatabase('taskhub');
});

test('constructor: an unknown durability, or no name, is INVALID_CONFIG', async () => {
  const durability = async (): Promise<unknown> => newStore('x', { durability: 'full' as 'strict' });
  expect((await rejection(durability(), 'INVALID_CONFIG')).message).toContain('relaxed, strict');
  const name = async (): Promise<unknown> => newStore('');
  await rejection(name(), 'INVALID_CONFIG');
});

test('a name may hold anything', async () => {
  for (const name of ['..', '.', 'a/b\\c', '%2F', 'ü 😀']) {
    const store = newStore(name);
    await store.open();
    await store.insertTask(newTask('t'));
    await store.close();
    const again = newStore(name);
    await again.open();
    expect(await again.readTask('t')).toMatchObject({ id: 't' });
    await again.close();
  }
});

test('before open and after close: HUB_CLOSED', async () => {
  const name = newName();
  const store = newStore(name);
  await rejection(store.readTask('t'), 'HUB_CLOSED');
  await store.open();
  await store.close();
  await rejection(store.readTask('t'), 'HUB_CLOSED');
  await store.close();
  await deleteDatabase(name);
});

test('a worker that is not there: STORAGE_UNAVAILABLE with its address, within 5 s', async () => {
  const store = newStore(newName(), { workerUrl: missing });
  const taken = await timeOf(
    rejection(store.open(), 'STORAGE_UNAVAILABLE').then((error) => {
      expect(error.message).toContain(missing);
      expect(error.details).toEqual({ url: missing });
    }),
  );
  expect(taken).toBeLessThan(5_500);
});

test('a worker that never says anything: STORAGE_UNAVAILABLE with its address, after 5 s', async () => {
  const silent = URL.createObjectURL(new Blob(['"use strict"'], { type: 'text/javascript' }));
  const taken = await timeOf(
    rejection(newStore(newName(), { workerUrl: silent }).open(), 'STORAGE_UNAVAILABLE').then((error) =>
      expect(error.message).toContain(silent),
    ),
  );
  expect(taken).toBeGreaterThan(4_900);
  expect(taken).toBeLessThan(6_500);
});

test('wasm that is not there, or is something else: STORAGE_UNAVAILABLE with its address', async () => {
  for (const wasmUrl of [missing, new URL(location.href).href]) {
    const error = await rejection(newStore(newName(), { wasmUrl }).open(), 'STORAGE_UNAVAILABLE');
    expect(error.message).toContain(wasmUrl);
    expect(error.details).toEqual({ url: wasmUrl });
  }
});

test('open: one that failed may be called again', async () => {
  const name = newName();
  const store = newStore(name);
  vi.stubGlobal('Worker', undefined);
  try {
    await rejection(store.open(), 'STORAGE_UNAVAILABLE');
  } finally {
    vi.unstubAllGlobals();
  }
  await store.open();
  expect(await store.readTask('t')).toBeNull();
  await store.close();
  await deleteDatabase(name);
});

test('a wasm address is seen from the page', async () => {
  const name = newName();
  const { pathname } = new URL('./sqlite3.wasm', workerUrl);
  const store = newStore(name, { wasmUrl: pathname });
  await store.open();
  await store.close();
  await deleteDatabase(name);
});

test('strict: the file has no log beside it, and keeps what was written', async () => {
  const name = newName();
  const store = newStore(name, { durability: 'strict' });
  await store.open();
  await store.insertTask(newTask('t'));
  await store.insertJobs('t', newJobs(1, 100), { now: T0, last: true });
  const bytes = await store.exportDatabase();
  expect(new TextDecoder().decode(bytes.subarray(0, 15))).toBe('SQLite format 3');
  await store.close();
  const relaxed = newStore(name);
  await relaxed.open();
  expect((await relaxed.readTask('t'))?.counts.total).toBe(100);
  await relaxed.close();
  await deleteDatabase(name);
});
