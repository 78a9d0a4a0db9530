// The entry for web pages: everything of @taskhub/core, the storages of browsers, and nothing that a browser cannot load.
// Node, Bun and Deno get the main entry under this name: see `exports` in package.json.
import type { Hub } from '@taskhub/core';
import { IndexedDBAdapter } from '@taskhub/storage-indexeddb';
import { OPFSAdapter } from '@taskhub/storage-opfs';
import { autoInBrowser, type BrowserStorages, noteUseOfOpfs } from './auto-in-browser.js';
import { createHub, memory, type StorageTable, type TaskHubConfig } from './create-hub.js';

export * from '@taskhub/core';
export { IndexedDBAdapter, type IndexedDBOptions } from '@taskhub/storage-indexeddb';
export { OPFSAdapter, type OPFSOptions } from '@taskhub/storage-opfs';
export type { OPFSFiles, StorageName, TaskHubConfig } from './create-hub.js';

const outside = { unavailable: 'it needs Node, Bun or Deno; import @shelchin/taskhub there.' };

const BROWSER: BrowserStorages = {
  opfs: ({ durability, opfs }) => new OPFSAdapter(undefined, { durability, ...opfs }),
  indexeddb: ({ durability }) => new IndexedDBAdapter(undefined, { durability }),
};

const TABLE: StorageTable = {
  'bun-sqlite': outside,
  'better-sqlite3': outside,
  'node-sqlite': outside,
  ...BROWSER,
  memory,
};

/**
 * Opens a hub in a web page, with SQLite in OPFS where the browser has it, else with IndexedDB, unless another storage is
 * named. `hub.storage` says which it is and why. `dbPath` means nothing here.
 *
 * @returns a hub that is open; call `hub.close()` in the end
 * @throws TaskHubError INVALID_CONFIG, STORAGE_UNAVAILABLE (never memory instead), or another code of the storage
 */
export async function createTaskHub(config: TaskHubConfig = {}): Promise<Hub> {
  const hub = await createHub(config, TABLE, autoInBrowser(BROWSER));
  // An adapter of the caller's may hold another database than the one that `auto` looks for.
  if (hub.storage.name === 'opfs' && typeof config.storage !== 'object') await noteUseOfOpfs();
  return hub;
}
