// Which storage a hub gets: a table of what there is, and the order in which `auto` tries it.
import { Hub, type HubConfig, MemoryAdapter, type StorageAdapter, TaskHubError } from '@taskhub/core';

/** Names of the storages, as in the option `storage`. */
export type StorageName =
  | 'auto'
  | 'memory'
  | 'bun-sqlite'
  | 'better-sqlite3'
  | 'node-sqlite'
  | 'opfs'
  | 'indexeddb';

/** Options of `createTaskHub`. An explicit `undefined` is the same as leaving the option out. */
export interface TaskHubConfig extends HubConfig {
  /** A name, or a store of your own. @default 'auto' */
  storage?: StorageName | StorageAdapter | undefined;
  /** The database file of the SQLite storages; its folder must be there. @default 'taskhub.db' */
  dbPath?: string | undefined;
  /**
   * `relaxed`: what is recorded survives the death of the process. `strict`: and power loss, at the price of waiting
   * for the disk. @default 'relaxed'
   */
  durability?: 'relaxed' | 'strict' | undefined;
}

/** What a storage is made with. */
export interface StorageSettings {
  dbPath: string | undefined;
  durability: 'relaxed' | 'strict' | undefined;
}

/** One storage: how it is made here, or why it cannot be. */
export type StorageMaker = ((settings: StorageSettings) => StorageAdapter) | { unavailable: string };

/** Storages by name, those that `auto` tries first in front. */
export type StorageTable = Readonly<Record<Exclude<StorageName, 'auto'>, StorageMaker>>;

/** The storage that `auto` takes, and why in words. */
export interface AutoChoice {
  make: (settings: StorageSettings) => StorageAdapter;
  reason: string;
}

const OPTIONS = ['storage', 'dbPath', 'durability', 'leaseMs'];

/**
 * @param table - what there is in this entry point
 * @param auto - the storage that `auto` takes, and why; undefined = none works here
 */
export async function createHub(config: TaskHubConfig, table: StorageTable, auto?: AutoChoice): Promise<Hub> {
  const { storage = 'auto', dbPath, durability, ...rest } = config;
  const unknown = Object.keys(rest).find((key) => !OPTIONS.includes(key));
  if (unknown !== undefined) {
    throw invalid(`There is no option ${unknown}. There are ${OPTIONS.join(', ')}.`, { option: unknown });
  }
  if (durability !== undefined && durability !== 'relaxed' && durability !== 'strict') {
    throw invalid(`durability must be 'relaxed' or 'strict', not ${String(durability)}.`, { durability });
  }
  if (dbPath !== undefined && (typeof dbPath !== 'string' || dbPath === '')) {
    throw invalid('dbPath must be a text that is not empty.', { dbPath });
  }
  const { adapter, reason } = chooseStorage(storage, { dbPath, durability }, table, auto);
  const hub = new Hub(adapter, rest, reason);
  await hub.initialize();
  return hub;
}

function chooseStorage(
  storage: StorageName | StorageAdapter,
  settings: StorageSettings,
  table: StorageTable,
  auto: AutoChoice | undefined,
): { adapter: StorageAdapter; reason: string } {
  if (typeof storage === 'object' && storage !== null)
    return { adapter: storage, reason: 'given as an adapter' };
  if (storage === 'auto') {
    if (auto !== undefined) return { adapter: auto.make(settings), reason: auto.reason };
    throw new TaskHubError(
      'STORAGE_UNAVAILABLE',
      "No persistent storage works in this runtime. Pass storage: 'memory' if losing everything with the process is " +
        'right, or a StorageAdapter of your own.',
    );
  }
  if (!Object.hasOwn(table, storage)) {
    const names = ['auto', ...Object.keys(table)].map((name) => `'${name}'`).join(', ');
    throw invalid(`There is no storage '${String(storage)}'. There are ${names}, or a StorageAdapter.`, {
      storage: String(storage),
    });
  }
  return { adapter: make(storage, settings, table), reason: `asked for by storage: '${storage}'` };
}

function make(name: keyof StorageTable, settings: StorageSettings, table: StorageTable): StorageAdapter {
  const maker = table[name];
  if (typeof maker === 'function') return maker(settings);
  throw new TaskHubError(
    'STORAGE_UNAVAILABLE',
    `The storage '${name}' cannot be used here: ${maker.unavailable}`,
    {
      details: { storage: name },
    },
  );
}

/** Keeps everything in this process. */
export const memory: StorageMaker = () => new MemoryAdapter();

/** A storage that a later version brings. */
export const notYet: StorageMaker = { unavailable: 'it is not part of this version of TaskHub.' };

function invalid(message: string, details: Record<string, unknown>): TaskHubError {
  return new TaskHubError('INVALID_CONFIG', message, { details });
}
