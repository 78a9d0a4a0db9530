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
  /** Where the files of `@taskhub/storage-opfs` are served, for pages that are built by a tool which does not copy them. */
  opfs?: OPFSFiles | undefined;
  /**
   * Asks the browser not to clear the data of this site when space is short; some browsers ask the person. The answer
   * stands in `hub.storage.reason`. @default false
   */
  requestPersistence?: boolean | undefined;
}

/** Addresses of the files of `@taskhub/storage-opfs`, seen from the page. */
export interface OPFSFiles {
  /** Of `worker.js`. @default beside the code of the package, where most bundlers put it */
  workerUrl?: string | URL | undefined;
  /** Of `sqlite3.wasm`. @default beside the worker */
  wasmUrl?: string | URL | undefined;
}

/** What a storage is made with. */
export interface StorageSettings {
  dbPath: string | undefined;
  durability: 'relaxed' | 'strict' | undefined;
  opfs: OPFSFiles | undefined;
}

/** One storage: how it is made here, or why it cannot be. */
export type StorageMaker = ((settings: StorageSettings) => StorageAdapter) | { unavailable: string };

/** Storages by name, those that `auto` tries first in front. */
export type StorageTable = Readonly<Record<Exclude<StorageName, 'auto'>, StorageMaker>>;

/** A storage, and why this one in words. */
export interface StorageDecision {
  adapter: StorageAdapter;
  reason: string;
}

/**
 * Finds the storage that `auto` takes.
 *
 * @throws TaskHubError STORAGE_UNAVAILABLE when none works here; memory is never taken
 */
export type AutoStorage = (settings: StorageSettings) => StorageDecision | Promise<StorageDecision>;

const OPTIONS = ['storage', 'dbPath', 'durability', 'opfs', 'leaseMs', 'requestPersistence'];

/**
 * @param table - what there is in this entry point
 * @param auto - how `auto` decides
 */
export async function createHub(config: TaskHubConfig, table: StorageTable, auto: AutoStorage): Promise<Hub> {
  const { storage = 'auto', dbPath, durability, opfs, requestPersistence = false, ...rest } = config;
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
  checkFiles(opfs);
  const settings = { dbPath, durability, opfs };
  if (typeof storage === 'object' && storage !== null) {
    return openHub({ adapter: storage, reason: 'given as an adapter' }, rest);
  }
  const decision = storage === 'auto' ? await auto(settings) : named(storage, settings, table);
  if (requestPersistence) decision.reason += await askForPersistence();
  try {
    return await openHub(decision, rest);
  } catch (error) {
    await decision.adapter.close(); // `auto` may have opened it.
    throw error;
  }
}

async function openHub({ adapter, reason }: StorageDecision, config: HubConfig): Promise<Hub> {
  const hub = new Hub(adapter, config, reason);
  await hub.initialize();
  return hub;
}

function named(name: string, settings: StorageSettings, table: StorageTable): StorageDecision {
  if (!isNameOf(table, name)) {
    const names = ['auto', ...Object.keys(table)].map((known) => `'${known}'`).join(', ');
    throw invalid(`There is no storage '${String(name)}'. There are ${names}, or a StorageAdapter.`, {
      storage: String(name),
    });
  }
  return { adapter: make(name, settings, table), reason: `asked for by storage: '${name}'` };
}

function isNameOf(table: StorageTable, name: string): name is keyof StorageTable {
  return Object.hasOwn(table, name);
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

function checkFiles(opfs: OPFSFiles | undefined): void {
  if (opfs === undefined) return;
  if (typeof opfs !== 'object' || opfs === null)
    throw invalid('opfs must be { workerUrl, wasmUrl }.', { opfs });
  for (const [name, url] of Object.entries(opfs)) {
    if (name !== 'workerUrl' && name !== 'wasmUrl') {
      throw invalid(`There is no option opfs.${name}. There are workerUrl, wasmUrl.`, {
        option: `opfs.${name}`,
      });
    }
    if (url !== undefined && typeof url !== 'string' && !(url instanceof URL)) {
      throw invalid(`opfs.${name} must be an address: a text or a URL.`, { [name]: url });
    }
  }
}

/** @returns what is to be said about it; nothing where there is nobody to ask, as in Node */
async function askForPersistence(): Promise<string> {
  const { navigator } = globalThis as { navigator?: { storage?: Partial<StorageManager> } };
  const isGranted = await navigator?.storage?.persist?.();
  if (isGranted === undefined) return '';
  return isGranted
    ? '; kept when space is short'
    : '; the browser did not promise to keep it when space is short';
}

function invalid(message: string, details: Record<string, unknown>): TaskHubError {
  return new TaskHubError('INVALID_CONFIG', message, { details });
}
