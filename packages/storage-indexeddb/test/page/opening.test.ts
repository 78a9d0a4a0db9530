// Opening, and what takes a database away while it is open.
import { deleteDB, openDB } from 'idb';
import { newJobs, newTask, rejection, T0 } from 'tabs/rows';
import { afterEach, expect, test, vi } from 'vitest';
import { IndexedDBAdapter } from '../../src/index.js';
import { openDatabase } from '../../src/open-database.js';
import { SCHEMA_VERSION, STORES } from '../../src/schema.js';
import { deleteDatabase, newName } from './databases.js';

afterEach(() => vi.unstubAllGlobals());

async function openStore(name: string): Promise<IndexedDBAdapter> {
  const store = new IndexedDBAdapter(name);
  await store.open();
  return store;
}

test('constructor: without arguments the database is called taskhub', async () => {
  const store = new IndexedDBAdapter();
  await store.open();
  expect((await indexedDB.databases()).map(({ name }) => name)).toContain('taskhub');
  await store.close();
  await deleteDatabase('taskhub');
});

test('constructor: an unknown durability is INVALID_CONFIG', async () => {
  const create = async (): Promise<unknown> => new IndexedDBAdapter('x', { durability: 'full' as 'strict' });
  expect((await rejection(create(), 'INVALID_CONFIG')).message).toContain('relaxed, strict');
});

test('durability: reaches every transaction', async () => {
  const seen: unknown[] = [];
  const original = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function (stores, mode, options) {
    seen.push(options?.durability);
    return Reflect.apply(original, this, [stores, mode, options]);
  };
  try {
    for (const durability of ['relaxed', 'strict'] as const) {
      const name = newName();
      const store = new IndexedDBAdapter(name, { durability });
      await store.open();
      await store.insertTask(newTask('t'));
      await store.close();
      await deleteDatabase(name);
      expect(new Set(seen.splice(0))).toEqual(new Set([durability]));
    }
  } finally {
    IDBDatabase.prototype.transaction = original;
  }
});

test('close: a call afterwards is HUB_CLOSED', async () => {
  const name = newName();
  const store = await openStore(name);
  await store.close();
  await rejection(store.readTask('t'), 'HUB_CLOSED');
  await deleteDatabase(name);
});

test('close: a transaction that is under way is completed', async () => {
  const name = newName();
  const store = await openStore(name);
  await store.insertTask(newTask('t'));
  const inserting = store.transitionTask('t', ['idle'], { status: 'running' }, T0);
  await store.close();
  expect((await inserting)?.status).toBe('running');
  await deleteDatabase(name);
});

test('no IndexedDB at all is STORAGE_UNAVAILABLE', async () => {
  vi.stubGlobal('indexedDB', undefined);
  await rejection(new IndexedDBAdapter(newName()).open(), 'STORAGE_UNAVAILABLE');
});

test('an IndexedDB that the browser refuses to open is STORAGE_UNAVAILABLE, with its reason', async () => {
  for (const [name, message] of [
    ['SecurityError', 'The user denied permission to access the database.'],
    ['InvalidStateError', 'A mutation operation was attempted on a database that did not allow mutations.'],
    ['UnknownError', 'Internal error opening backing store for indexedDB.open.'],
  ] as const) {
    const refuse = (): never => {
      throw new DOMException(message, name);
    };
    vi.stubGlobal('indexedDB', { open: refuse });
    const error = await rejection(new IndexedDBAdapter('x').open(), 'STORAGE_UNAVAILABLE');
    expect(error.message).toContain(message);
  }
});

test('open: one that failed may be called again', async () => {
  const name = newName();
  const store = new IndexedDBAdapter(name);
  vi.stubGlobal('indexedDB', undefined);
  await rejection(store.open(), 'STORAGE_UNAVAILABLE');
  vi.unstubAllGlobals();
  await store.open();
  expect(await store.readTask('t')).toBeNull();
  await store.close();
  await deleteDatabase(name);
});

test('a database of another program is STORAGE_FOREIGN and left as it is', async () => {
  for (const version of [SCHEMA_VERSION, SCHEMA_VERSION + 7]) {
    const name = newName();
    const theirs = await openDB(name, version, { upgrade: (db) => void db.createObjectStore('notes') });
    theirs.close();
    await rejection(new IndexedDBAdapter(name).open(), 'STORAGE_FOREIGN');
    const again = await openDB(name);
    expect([again.version, [...again.objectStoreNames]]).toEqual([version, ['notes']]);
    again.close();
    await deleteDatabase(name);
  }
});

test('a database of a newer version is SCHEMA_TOO_NEW and left as it is', async () => {
  const name = newName();
  const store = await openStore(name);
  await store.insertTask(newTask('t'));
  await store.close();
  const newer = await openDB(name, SCHEMA_VERSION + 1, {
    upgrade: (db) => void db.createObjectStore('lane'),
  });
  newer.close();
  const error = await rejection(new IndexedDBAdapter(name).open(), 'SCHEMA_TOO_NEW');
  expect(error.details).toMatchObject({
    database: name,
    version: SCHEMA_VERSION + 1,
    supported: SCHEMA_VERSION,
  });
  const again = await openDB(name);
  expect([again.version, [...again.objectStoreNames]]).toEqual([
    SCHEMA_VERSION + 1,
    ['lane', ...STORES].sort(),
  ]);
  expect(await again.count('task')).toBe(1);
  again.close();
  await deleteDatabase(name);
});

test('versionchange: an update by a newer page is not held up, and later calls are SCHEMA_TOO_NEW', async () => {
  const name = newName();
  const store = await openStore(name);
  await store.insertTask(newTask('t'));
  const blocked = vi.fn();
  const newer = await openDB(name, SCHEMA_VERSION + 1, { blocked });
  expect(blocked).not.toHaveBeenCalled();
  const error = await rejection(store.readTask('t'), 'SCHEMA_TOO_NEW');
  expect(error.message).toContain('reload the page');
  await rejection(store.exchange('t', { owner: 'ann', now: T0, settle: [], claim: null }), 'SCHEMA_TOO_NEW');
  newer.close();
  await store.close();
  await deleteDatabase(name);
});

test('deleted while open: the deletion is not held up, and later calls are STORAGE_FAILED with what to do', async () => {
  const name = newName();
  const store = await openStore(name);
  await store.insertTask(newTask('t'));
  await store.insertJobs('t', newJobs(1, 100), { now: T0, last: true });
  const blocked = vi.fn();
  await deleteDB(name, { blocked });
  expect(blocked).not.toHaveBeenCalled();
  const error = await rejection(store.readTask('t'), 'STORAGE_FAILED');
  expect(error.message).toMatch(/deleted while it was open.*Create a new hub/);
  await store.close();
});

test('an open that is held up ends as STORAGE_BUSY, and does no harm when it comes through after all', async () => {
  const name = newName();
  // A page that does not let go when it is asked to.
  const stubborn = await openDB(name, SCHEMA_VERSION, { upgrade: (db) => void db.createObjectStore('x') });
  const deleting = new Promise<void>((resolve) => {
    indexedDB.deleteDatabase(name).onsuccess = () => resolve();
  });
  const error = await rejection(openDatabase(name, 'relaxed', 300), 'STORAGE_BUSY');
  expect(error.message).toContain('Close the other tabs');
  stubborn.close();
  await deleting;
  // The late connection is closed again, so nothing blocks this one.
  await deleteDatabase(name);
});

test('a transaction that fails in its middle leaves nothing', async () => {
  const name = newName();
  const store = await openStore(name);
  await store.insertTask(newTask('t'));
  const original = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (value, key) {
    if (this.name === 'progress') throw new DOMException('no room', 'QuotaExceededError');
    return Reflect.apply(original, this, key === undefined ? [value] : [value, key]);
  };
  try {
    await rejection(store.insertJobs('t', newJobs(1, 100), { now: T0, last: true }), 'STORAGE_FULL');
  } finally {
    IDBObjectStore.prototype.put = original;
  }
  expect(await store.readTask('t')).toMatchObject({ lastSeq: 0, ingested: false, counts: { total: 0 } });
  expect((await store.readJobs('t', { limit: 5 })).rows).toEqual([]);
  expect((await store.insertJobs('t', newJobs(1, 100), { now: T0, last: true })).inserted).toBe(100);
  await store.close();
  await deleteDatabase(name);
});

test('deleteTask: no row of the task is left, and one that was interrupted is finished by the next open', async () => {
  const name = newName();
  const store = await openStore(name);
  for (const id of ['a', 'b']) {
    await store.insertTask(newTask(id));
    await store.insertJobs(id, newJobs(1, 3_000), { now: T0, last: true });
  }
  await store.deleteTask('a');
  await store.close();
  const raw = await openDB(name);
  expect(await raw.count('job')).toBe(Math.ceil(3_000 / 64));
  // As a tab leaves it that ends right after its call.
  const tx = raw.transaction(['task', 'progress', 'deleted'], 'readwrite');
  const [task] = await tx.objectStore('task').getAll();
  await Promise.all([
    tx.objectStore('task').delete(task.no),
    tx.objectStore('progress').delete(task.no),
    tx.objectStore('deleted').put(task.no, task.no),
    tx.done,
  ]);
  const again = await openStore(name);
  await vi.waitFor(async () => expect(await raw.count('deleted')).toBe(0), { timeout: 10_000 });
  for (const table of STORES) expect(await raw.count(table), table).toBe(0);
  raw.close();
  await again.close();
  await deleteDatabase(name);
});
