// The main entry: everything of @taskhub/core, and the storages of Node.
import type { Hub } from '@taskhub/core';
import { NodeSQLiteAdapter } from '@taskhub/storage-node';
import {
  createHub,
  memory,
  notYet,
  type StorageSettings,
  type StorageTable,
  type TaskHubConfig,
} from './create-hub.js';

export * from '@taskhub/core';
export { NodeSQLiteAdapter, type NodeSQLiteOptions } from '@taskhub/storage-node';
export type { StorageName, TaskHubConfig } from './create-hub.js';

const nodeSqlite =
  (driver?: 'better-sqlite3' | 'node-sqlite') =>
  ({ dbPath, durability }: StorageSettings): NodeSQLiteAdapter =>
    new NodeSQLiteAdapter(dbPath, { driver, durability });

const inBrowsers = { unavailable: 'it needs a browser; import @shelchin/taskhub/browser there.' };

const TABLE: StorageTable = {
  'bun-sqlite': notYet,
  'better-sqlite3': nodeSqlite('better-sqlite3'),
  'node-sqlite': nodeSqlite('node-sqlite'),
  opfs: inBrowsers,
  indexeddb: inBrowsers,
  memory,
};

/**
 * Opens a hub with the storage that fits the runtime.
 *
 * @returns a hub that is open; call `hub.close()` in the end
 * @throws TaskHubError INVALID_CONFIG, STORAGE_UNAVAILABLE (it says what to install), or another code of the storage
 * @example
 * const hub = await createTaskHub({ dbPath: 'tasks.db' });
 */
export function createTaskHub(config: TaskHubConfig = {}): Promise<Hub> {
  return createHub(config, TABLE, {
    make: nodeSqlite(),
    reason: 'auto: the first SQLite that works in this runtime',
  });
}
