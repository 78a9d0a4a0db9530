import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import * as browser from '../src/browser.js';
import * as main from '../src/index.js';

const root = mkdtempSync(join(tmpdir(), 'taskhub-main-'));
const startedIn = process.cwd();
let folder = root;
/** These tests run inside Bun and Deno as well: `pnpm check:runtimes`. */
const isBun = process.versions.bun !== undefined;

beforeEach(() => {
  folder = mkdtempSync(join(root, 'test-'));
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(startedIn);
  rmSync(root, { recursive: true, force: true });
});

test('storage is auto by default: the SQLite of the runtime, in taskhub.db in the working folder', async () => {
  const hub = await main.createTaskHub();
  expect(hub.storage).toMatchObject({ persistent: true, reason: expect.stringContaining('auto') });
  expect(isBun ? ['bun-sqlite'] : ['better-sqlite3', 'node-sqlite']).toContain(hub.storage.name);
  await hub.close();
  expect(readdirSync(folder)).toEqual(['taskhub.db']);
});

test('dbPath names the file', async () => {
  const hub = await main.createTaskHub({ dbPath: join(folder, 'other.db') });
  await hub.close();
  expect(readdirSync(folder)).toEqual(['other.db']);
});

test('an explicit undefined is the same as leaving an option out', async () => {
  const hub = await main.createTaskHub({
    storage: undefined,
    dbPath: undefined,
    durability: undefined,
    leaseMs: undefined,
  });
  await hub.close();
  expect(existsSync(join(folder, 'taskhub.db'))).toBe(true);
});

test('memory storage needs no file', async () => {
  const hub = await main.createTaskHub({ storage: 'memory' });
  expect(hub.storage).toMatchObject({ name: 'memory', persistent: false });
  await hub.close();
  expect(readdirSync(folder)).toEqual([]);
});

test('a StorageAdapter instance is taken as it is', async () => {
  const hub = await main.createTaskHub({ storage: new main.MemoryAdapter() });
  expect(hub.storage).toMatchObject({ name: 'memory', reason: 'given as an adapter' });
  await hub.close();
});

test('an unknown storage name is an error that lists the known ones', async () => {
  await expect(main.createTaskHub({ storage: 'sqlite' as never })).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringMatching(/'sqlite'.*'auto'.*'bun-sqlite'.*'better-sqlite3'.*'memory'/),
  });
});

test.each(isBun ? (['opfs', 'indexeddb'] as const) : (['bun-sqlite', 'opfs', 'indexeddb'] as const))(
  '%s cannot work here, and the error says why',
  async (storage) => {
    await expect(main.createTaskHub({ storage })).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringContaining(`'${storage}' cannot be used here:`),
    });
  },
);

test.skipIf(isBun)('bun-sqlite needs Bun, also as an adapter, and no file is made', async () => {
  await expect(main.createTaskHub({ storage: 'bun-sqlite' })).rejects.toThrow('it needs Bun');
  const hub = main.createTaskHub({ storage: new main.BunSQLiteAdapter() });
  await expect(hub).rejects.toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    message: expect.stringContaining('needs Bun'),
  });
  expect(readdirSync(folder)).toEqual([]);
});

test.runIf(isBun)('bun-sqlite is to be had by name, with the options', async () => {
  const hub = await main.createTaskHub({ storage: 'bun-sqlite', dbPath: 'own.db', durability: 'strict' });
  expect(hub.storage).toMatchObject({ name: 'bun-sqlite', persistent: true });
  await hub.close();
  expect(readdirSync(folder)).toEqual(['own.db']);
});

test.each([
  [{ dbpath: 'x' }, /no option dbpath/],
  [{ durability: 'FULL' }, /durability must be/],
  [{ dbPath: '' }, /dbPath must be/],
  [{ leaseMs: 10 }, /leaseMs must be/],
  [{ opfs: { worker: 'x' } }, /no option opfs.worker/],
  [{ opfs: { wasmUrl: 5 } }, /opfs.wasmUrl must be an address/],
  [{ opfs: 'worker.js' }, /opfs must be/],
])('the option %j is refused', async (config, message) => {
  await expect(main.createTaskHub(config as never)).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringMatching(message),
  });
  expect(readdirSync(folder)).toEqual([]);
});

test('a folder that is not there is named', async () => {
  const dbPath = join(folder, 'missing', 'tasks.db');
  await expect(main.createTaskHub({ dbPath })).rejects.toMatchObject({
    code: 'STORAGE_NOT_FOUND',
    message: expect.stringContaining(join(folder, 'missing')),
  });
});

test('both entry points have the same names, but for the stores that a browser cannot load', () => {
  const inBrowsers = Object.keys(main).filter((name) => !/^(Bun|Node)SQLiteAdapter$/.test(name));
  expect(Object.keys(browser).sort()).toEqual(inBrowsers.sort());
  expect(inBrowsers).toEqual(expect.arrayContaining(['MemoryAdapter', 'OPFSAdapter', 'IndexedDBAdapter']));
});

test('the entry for browsers, built for one and run elsewhere: an error with every reason, never memory', async () => {
  await expect(browser.createTaskHub()).rejects.toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    message: expect.stringMatching(/no OPFS.*it cannot be used either.*storage: 'memory'/),
  });
});

test('exportDatabase gives the bytes of a SQLite file', async () => {
  const hub = await main.createTaskHub();
  const bytes = await hub.exportDatabase();
  await hub.close();
  expect(new TextDecoder().decode(bytes.subarray(0, 15))).toBe('SQLite format 3');
});
