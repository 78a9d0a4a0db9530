// What `auto` takes in a page: SQLite in OPFS, else IndexedDB. It stays with the one that has the tasks of this origin,
// so that nobody finds an empty store where there was a full one.
import { isTaskHubError, type StorageAdapter, TaskHubError } from '@taskhub/core';
import type { AutoStorage, StorageDecision, StorageSettings } from './create-hub.js';

/** How the storages of browsers are made. */
export type BrowserStorages = Record<'opfs' | 'indexeddb', (settings: StorageSettings) => StorageAdapter>;

/** A database in IndexedDB with nothing in it: where it is, tasks are in OPFS. OPFS itself may be what cannot be asked. */
const MARK = 'taskhub-uses-opfs';
/** Of `IndexedDBAdapter` without a name. */
const DATABASE = 'taskhub';

/** @returns how `auto` decides among these */
export function autoInBrowser(storages: BrowserStorages): AutoStorage {
  return async (settings) => {
    const wasInOpfs = await isThere(MARK);
    if (!wasInOpfs && (await isThere(DATABASE))) {
      return openIndexedDb(storages, settings, 'this origin has its tasks there already');
    }
    const opfs = storages.opfs(settings);
    const refusal = (await refusalOfOpfs()) ?? (await refusalOf(opfs));
    if (refusal === undefined) {
      return { adapter: opfs, reason: 'auto: SQLite in the origin private file system (OPFS)' };
    }
    if (wasInOpfs) throw usedBefore(refusal);
    return openIndexedDb(storages, settings, `SQLite in OPFS cannot be used here: ${refusal.message}`);
  };
}

/**
 * Notes that the tasks of this origin are in OPFS: `auto` takes nothing else from now on. Where IndexedDB cannot be used
 * there is nothing else, and nothing to note.
 */
export async function noteUseOfOpfs(): Promise<void> {
  await openRaw(MARK, () => undefined);
}

async function openIndexedDb(
  storages: BrowserStorages,
  settings: StorageSettings,
  why: string,
): Promise<StorageDecision> {
  const adapter = storages.indexeddb(settings);
  const refusal = await refusalOf(adapter);
  if (refusal === undefined) return { adapter, reason: `auto: IndexedDB, since ${why}` };
  throw new TaskHubError(
    'STORAGE_UNAVAILABLE',
    `No persistent storage works in this page. IndexedDB was tried, since ${why}; but it cannot be used either: ` +
      `${refusal.message} ` +
      "Pass storage: 'memory' if losing everything with the page is right, or a StorageAdapter of your own.",
    { cause: refusal },
  );
}

/** Why the browser does not let this page have OPFS, as far as can be told without starting SQLite. */
async function refusalOfOpfs(): Promise<Error | undefined> {
  const { storage } = (globalThis.navigator ?? {}) as { storage?: Partial<StorageManager> };
  if (typeof storage?.getDirectory !== 'function') {
    return new Error('this browser has no OPFS, or not for pages without https');
  }
  try {
    await storage.getDirectory();
    return undefined;
  } catch (error) {
    return new Error(`this browser refuses it (${String(error)})`, { cause: error }); // As in private windows.
  }
}

/**
 * Opens a storage.
 *
 * @returns why it cannot be used in this browser, or undefined: it is open
 * @throws TaskHubError for whatever another storage would not mend, but hide: it is in use, damaged, full, or its files
 * are not served
 */
async function refusalOf(adapter: StorageAdapter): Promise<Error | undefined> {
  try {
    await adapter.open();
    return undefined;
  } catch (error) {
    const isMissingFile = isTaskHubError(error) && error.details?.url !== undefined;
    if (isTaskHubError(error, 'STORAGE_UNAVAILABLE') && !isMissingFile) return error;
    throw error;
  }
}

function usedBefore(cause: Error): TaskHubError {
  return new TaskHubError(
    'STORAGE_UNAVAILABLE',
    `The tasks of this origin are in OPFS, which cannot be opened now: ${cause.message}. ` +
      "IndexedDB would begin empty, so it was not taken instead. Pass storage: 'indexeddb' if that is right.",
    { cause },
  );
}

// --- databases of IndexedDB by their names --------------------------------------------------------------------------

/** Whether there is a database of this name; none is made. False where IndexedDB cannot be used. */
function isThere(name: string): Promise<boolean> {
  return openRaw(name, (request) => request.transaction?.abort());
}

/** @param create - called while a database is made that was not there */
function openRaw(name: string, create: (request: IDBOpenDBRequest) => void): Promise<boolean> {
  return new Promise((resolve) => {
    if (!('indexedDB' in globalThis)) return resolve(false);
    try {
      const request = indexedDB.open(name);
      request.onupgradeneeded = () => create(request);
      request.onsuccess = () => {
        request.result.close();
        resolve(true);
      };
      request.onerror = (event) => {
        event.preventDefault(); // Aborted above, or refused: no error of the page.
        resolve(false);
      };
    } catch {
      resolve(false); // Refused at once, as in frames without an origin.
    }
  });
}
