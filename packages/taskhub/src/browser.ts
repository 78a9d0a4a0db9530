// The entry for web pages: everything of @taskhub/core, and nothing that a browser cannot load.
import type { Hub } from '@taskhub/core';
import { createHub, memory, notYet, type StorageTable, type TaskHubConfig } from './create-hub.js';

export * from '@taskhub/core';
export type { StorageName, TaskHubConfig } from './create-hub.js';

const outside = { unavailable: 'it needs Node, Bun or Deno; import @shelchin/taskhub there.' };

const TABLE: StorageTable = {
  'bun-sqlite': outside,
  'better-sqlite3': outside,
  'node-sqlite': outside,
  opfs: notYet,
  indexeddb: notYet,
  memory,
};

/**
 * Opens a hub in a web page. This version has no persistent storage for browsers, so `storage` must be named.
 *
 * @throws TaskHubError INVALID_CONFIG, STORAGE_UNAVAILABLE
 */
export function createTaskHub(config: TaskHubConfig = {}): Promise<Hub> {
  return createHub(config, TABLE);
}
