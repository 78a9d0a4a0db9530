// The main entry: everything of @taskhub/core, and the storages of Node, Bun and Deno.
import type { Hub } from '@taskhub/core';
import { BunSQLiteAdapter } from '@taskhub/storage-bun';
import { NodeSQLiteAdapter } from '@taskhub/storage-node';
import {
  type AutoStorage,
  createHub,
  memory,
  type StorageMaker,
  type StorageSettings,
  type StorageTable,
  type TaskHubConfig,
} from './create-hub.js';

export * from '@taskhub/core';
export { BunSQLiteAdapter, type BunSQLiteOptions } from '@taskhub/storage-bun';
// For code that is written once for pages and for programs; they open in browsers only.
export { IndexedDBAdapter, type IndexedDBOptions } from '@taskhub/storage-indexeddb';
export { NodeSQLiteAdapter, type NodeSQLiteOptions } from '@taskhub/storage-node';
export { OPFSAdapter, type OPFSOptions } from '@taskhub/storage-opfs';
export type { OPFSFiles, StorageName, TaskHubConfig } from './create-hub.js';

const nodeSqlite =
  (driver?: 'better-sqlite3' | 'node-sqlite') =>
  ({ dbPath, durability }: StorageSettings): NodeSQLiteAdapter =>
    new NodeSQLiteAdapter(dbPath, { driver, durability });

const bunSqlite = ({ dbPath, durability }: StorageSettings): BunSQLiteAdapter =>
  new BunSQLiteAdapter(dbPath, { durability });

const isBun = 'Bun' in globalThis;
const onlyInBun: StorageMaker = { unavailable: 'it needs Bun. Start the program with bun.' };
const inBrowsers = { unavailable: 'it needs a browser; import @shelchin/taskhub/browser there.' };

const TABLE: StorageTable = {
  'bun-sqlite': isBun ? bunSqlite : onlyInBun,
  'better-sqlite3': nodeSqlite('better-sqlite3'),
  'node-sqlite': nodeSqlite('node-sqlite'),
  opfs: inBrowsers,
  indexeddb: inBrowsers,
  memory,
};

const auto: AutoStorage = (settings) =>
  isBun
    ? { adapter: bunSqlite(settings), reason: 'auto: the SQLite of Bun' }
    : { adapter: nodeSqlite()(settings), reason: 'auto: the first SQLite that works in this runtime' };

/**
 * Opens a hub with the storage that fits the runtime.
 *
 * @returns a hub that is open; call `hub.close()` in the end
 * @throws TaskHubError INVALID_CONFIG, STORAGE_UNAVAILABLE (it says what to install), or another code of the storage
 * @example
 * const hub = await createTaskHub({ dbPath: 'tasks.db' });
 */
export function createTaskHub(config: TaskHubConfig = {}): Promise<Hub> {
  return createHub(config, TABLE, auto);
}
