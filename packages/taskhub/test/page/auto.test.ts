// What a page gets: which storage, and why that one.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  createTaskHub,
  defineTask,
  type Hub,
  IndexedDBAdapter,
  OPFSAdapter,
  type TaskHubConfig,
} from '../../src/browser.js';

const missing = new URL('/no/such/file.js', location.href).href;
const opened: Hub[] = [];

async function openHub(config?: TaskHubConfig): Promise<Hub> {
  const hub = await createTaskHub(config);
  opened.push(hub);
  return hub;
}

/** In WebKitGTK, and in pages without https, there is none. */
function withoutNavigatorStorage(): void {
  Object.defineProperty(navigator, 'storage', { value: undefined, configurable: true });
}

/** As Firefox does in a private window. */
function withoutDirectory(): void {
  const getDirectory = (): Promise<never> =>
    Promise.reject(new DOMException('Security error when calling GetDirectory', 'SecurityError'));
  Object.defineProperty(navigator, 'storage', { value: { getDirectory }, configurable: true });
}

/** What the browser really has again. */
function restore(): void {
  Reflect.deleteProperty(navigator, 'storage');
  vi.unstubAllGlobals();
}

async function databases(): Promise<(string | undefined)[]> {
  return (await indexedDB.databases()).map(({ name }) => name).sort();
}

function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
  });
}

beforeEach(async () => {
  for (const name of await databases()) await deleteDatabase(name ?? '');
  const root = await navigator.storage.getDirectory();
  for await (const name of root.keys()) await root.removeEntry(name, { recursive: true });
});

afterEach(async () => {
  restore();
  for (const hub of opened.splice(0)) await hub.close();
});

const lengths = defineTask({ name: 'lengths', handler: (word: string) => word.length });

/** Runs a task of three jobs. @returns how many of them ran now */
async function runLengths(hub: Hub): Promise<number> {
  const task = await hub.createTask(lengths, { inputs: ['a', 'bb', 'ccc'] });
  return (await task.start()).ran;
}

test('auto: SQLite in OPFS, and what it holds is there for the next hub', async () => {
  const hub = await openHub();
  expect(hub.storage).toEqual({
    name: 'opfs',
    persistent: true,
    reason: 'auto: SQLite in the origin private file system (OPFS)',
  });
  expect(await runLengths(hub)).toBe(3);
  const bytes = await hub.exportDatabase();
  expect(new TextDecoder().decode(bytes.subarray(0, 15))).toBe('SQLite format 3');
  await hub.close();
  expect(await runLengths(await openHub())).toBe(0);
  expect(await databases(), 'no tasks in IndexedDB').toEqual(['taskhub-uses-opfs']);
});

test('auto without navigator.storage: IndexedDB, which says why, and is stayed with', async () => {
  withoutNavigatorStorage();
  const hub = await openHub();
  expect(hub.storage).toEqual({
    name: 'indexeddb',
    persistent: true,
    reason:
      'auto: IndexedDB, since SQLite in OPFS cannot be used here: this browser has no OPFS, or not for pages without https',
  });
  expect(await runLengths(hub)).toBe(3);
  await hub.close();

  restore();
  const later = await openHub();
  expect(later.storage).toMatchObject({
    name: 'indexeddb',
    reason: 'auto: IndexedDB, since this origin has its tasks there already',
  });
  expect(await runLengths(later)).toBe(0);
});

test('auto where OPFS is refused: IndexedDB, with the reason of the browser', async () => {
  withoutDirectory();
  const { storage } = await openHub();
  expect(storage).toMatchObject({ name: 'indexeddb', persistent: true });
  expect(storage.reason).toContain('SecurityError: Security error when calling GetDirectory');
});

test('auto where OPFS was used before and is refused now: an error, and no other store begins empty', async () => {
  await (await openHub()).close();
  withoutDirectory();
  await expect(openHub()).rejects.toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    message: expect.stringMatching(/tasks of this origin are in OPFS.*SecurityError.*storage: 'indexeddb'/),
  });
  expect(await databases()).toEqual(['taskhub-uses-opfs']);
  const hub = await openHub({ storage: 'indexeddb' });
  expect(hub.storage).toMatchObject({ name: 'indexeddb', reason: "asked for by storage: 'indexeddb'" });
});

test('OPFS asked for by name counts as used', async () => {
  await (await openHub({ storage: 'opfs' })).close();
  withoutNavigatorStorage();
  await expect(openHub()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
});

test.each(['workerUrl', 'wasmUrl'])(
  'auto with a wrong %s: an error with the address, no fallback',
  async (name) => {
    await expect(openHub({ opfs: { [name]: missing } })).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringContaining(missing),
      details: { url: missing },
    });
    expect(await databases()).toEqual([]);
  },
);

test('auto: a damaged database in OPFS is an error, no fallback', async () => {
  const hub = await openHub();
  await runLengths(hub);
  await hub.close();
  // The header of the pool stays; what SQLite wrote does not.
  const root = await navigator.storage.getDirectory();
  const folder = await (await root.getDirectoryHandle('taskhub')).getDirectoryHandle('taskhub');
  const opaque = await folder.getDirectoryHandle('.opaque');
  for await (const handle of opaque.values()) {
    const file = handle as FileSystemFileHandle;
    if ((await file.getFile()).size <= 4096) continue;
    const writable = await file.createWritable({ keepExistingData: true });
    await writable.write({ type: 'write', position: 4096, data: new Uint8Array(512).fill(7) });
    await writable.close();
  }
  await expect(openHub()).rejects.toMatchObject({
    code: expect.stringMatching(/^STORAGE_(FOREIGN|CORRUPT)$/),
  });
  expect(await databases()).toEqual(['taskhub-uses-opfs']);
});

test('auto where nothing persistent works: an error with both reasons, never memory', async () => {
  withoutNavigatorStorage();
  vi.stubGlobal('indexedDB', undefined);
  await expect(openHub()).rejects.toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    message: expect.stringMatching(/no OPFS.*it cannot be used either.*storage: 'memory'/),
  });
  const hub = await openHub({ storage: 'memory' });
  expect(hub.storage).toMatchObject({ name: 'memory', persistent: false });
});

test('an adapter is taken as it is', async () => {
  const opfs = await openHub({ storage: new OPFSAdapter('own') });
  expect(opfs.storage).toMatchObject({ name: 'opfs', reason: 'given as an adapter' });
  const idb = await openHub({ storage: new IndexedDBAdapter('own') });
  expect(idb.storage).toMatchObject({ name: 'indexeddb', reason: 'given as an adapter' });
});

test.each(['bun-sqlite', 'better-sqlite3', 'node-sqlite'] as const)(
  '%s: the error says where it works',
  async (storage) => {
    await expect(openHub({ storage })).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringContaining('it needs Node, Bun or Deno'),
    });
  },
);

test('requestPersistence: asks the browser, and the reason says what it answered', async () => {
  const persist = vi.spyOn(navigator.storage, 'persist');
  const { storage } = await openHub({ requestPersistence: true });
  expect(persist).toHaveBeenCalledOnce();
  const says = (await navigator.storage.persisted())
    ? '; kept when'
    : '; the browser did not promise to keep it when';
  expect(storage.reason).toContain(says);
  persist.mockRestore();
});
