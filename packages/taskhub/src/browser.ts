// The entry for web pages: everything of @taskhub/core, the storages of browsers, and nothing that a browser cannot load.
import type { Hub } from '@taskhub/core';
import { IndexedDBAdapter } from '@taskhub/storage-indexeddb';
import {
  type AutoChoice,
  createHub,
  memory,
  notYet,
  type StorageSettings,
  type StorageTable,
  type TaskHubConfig,
} from './create-hub.js';

export * from '@taskhub/core';
export { IndexedDBAdapter, type IndexedDBOptions } from '@taskhub/storage-indexeddb';
export type { StorageName, TaskHubConfig } from './create-hub.js';

const outside = { unavailable: 'it needs Node, Bun or Deno; import @shelchin/taskhub there.' };

const indexedDb = ({ durability }: StorageSettings): IndexedDBAdapter =>
  new IndexedDBAdapter(undefined, { durability });

const TABLE: StorageTable = {
  'bun-sqlite': outside,
  'better-sqlite3': outside,
  'node-sqlite': outside,
  opfs: notYet,
  indexeddb: indexedDb,
  memory,
};

const AUTO: AutoChoice | undefined =
  'indexedDB' in globalThis ? { make: indexedDb, reason: 'auto: IndexedDB of this browser' } : undefined;

/**
 * Opens a hub in a web page, with IndexedDB unless another storage is named. `dbPath` means nothing here.
 *
 * @returns a hub that is open; call `hub.close()` in the end
 * @throws TaskHubError INVALID_CONFIG, STORAGE_UNAVAILABLE (never memory instead), or another code of the storage
 */
export function createTaskHub(config: TaskHubConfig = {}): Promise<Hub> {
  return createHub(config, TABLE, AUTO);
}
