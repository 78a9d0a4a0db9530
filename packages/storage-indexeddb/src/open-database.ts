// Opening the database: creating it, waiting for older tabs, refusing what is not ours or newer than we are.
import { systemClock, TaskHubError } from '@taskhub/core';
import { type IDBPDatabase, openDB } from 'idb';
import { Database, type Durability } from './database.js';
import { nameOf, openError } from './idb-error.js';
import { MIGRATIONS, SCHEMA_VERSION, type Schema, STORES } from './schema.js';

/** ms that opening may take: it waits for tabs that hold an older version or delete the database. */
export const OPEN_PATIENCE = 10_000;

/**
 * Opens the database, and creates or updates it if need be.
 *
 * @param patience - ms until it gives up
 * @throws TaskHubError SCHEMA_TOO_NEW or STORAGE_FOREIGN (the database is left as it is), STORAGE_BUSY when another
 * tab keeps an older version open, STORAGE_UNAVAILABLE when the browser does not give one
 */
export async function openDatabase(
  name: string,
  durability: Durability,
  patience: number = OPEN_PATIENCE,
): Promise<Database> {
  if (globalThis.indexedDB === undefined) {
    throw new TaskHubError(
      'STORAGE_UNAVAILABLE',
      'There is no IndexedDB here. Use the storage of this runtime.',
    );
  }
  let database: Database | undefined;
  try {
    const db = await withPatience(name, patience, (blocked) =>
      openDB<Schema>(name, SCHEMA_VERSION, {
        upgrade(upgraded, version) {
          for (const migration of MIGRATIONS.slice(version)) migration(upgraded);
        },
        blocked,
        // Another tab updates or deletes the database and waits for us to let go.
        blocking: (_current, wanted) =>
          database?.close(wanted === null ? deletedError(name) : outdatedError(name, wanted)),
        // The browser has closed it: its data was cleared, or the disk is gone.
        terminated: () => database?.close(deletedError(name)),
      }),
    );
    assertOurs(db, name);
    database = new Database(db, durability);
    return database;
  } catch (error) {
    if (nameOf(error) === 'VersionError') throw await newerError(name, patience);
    throw openError(error, name);
  }
}

/** The connection, or an error after `patience`; one that comes later is closed again. */
async function withPatience(
  name: string,
  patience: number,
  open: (blocked: () => void) => Promise<IDBPDatabase<Schema>>,
): Promise<IDBPDatabase<Schema>> {
  let isBlocked = false;
  const opening = open(() => {
    isBlocked = true;
  });
  let late = false;
  let timer: unknown;
  const timeout = new Promise<never>((_, reject) => {
    timer = systemClock.setTimeout(() => {
      late = true;
      reject(busyError(name, patience, isBlocked));
    }, patience);
  });
  opening.then(
    (db) => {
      if (late) db.close();
    },
    () => undefined, // The race below has it.
  );
  try {
    return await Promise.race([opening, timeout]);
  } finally {
    systemClock.clearTimeout(timer);
  }
}

function assertOurs(db: IDBPDatabase<Schema>, name: string): void {
  if (STORES.every((store) => db.objectStoreNames.contains(store))) return;
  db.close();
  throw foreignError(name);
}

function foreignError(name: string): TaskHubError {
  return new TaskHubError(
    'STORAGE_FOREIGN',
    `The IndexedDB database "${name}" is not one of TaskHub. It was left as it is; choose another name.`,
    { details: { database: name } },
  );
}

/** Why the version is higher than ours: a later TaskHub, or another program. A look changes nothing. */
async function newerError(name: string, patience: number): Promise<TaskHubError> {
  const db = await withPatience(name, patience, () => openDB<Schema>(name)).catch(() => undefined);
  const { version } = db ?? {};
  const isForeign = db !== undefined && !db.objectStoreNames.contains('progress');
  db?.close();
  if (isForeign) return foreignError(name);
  return new TaskHubError(
    'SCHEMA_TOO_NEW',
    `The database "${name}" has schema version ${version ?? 'unknown'}, this TaskHub knows up to ${SCHEMA_VERSION}. ` +
      'It was left as it is; reload the page to get the newer TaskHub, or choose another name.',
    { details: { database: name, version, supported: SCHEMA_VERSION } },
  );
}

function outdatedError(name: string, version: number): TaskHubError {
  return new TaskHubError(
    'SCHEMA_TOO_NEW',
    `Another tab has brought the database "${name}" to version ${version}, this page knows up to ${SCHEMA_VERSION}. ` +
      'What was recorded is kept; reload the page.',
    { details: { database: name, version, supported: SCHEMA_VERSION } },
  );
}

function deletedError(name: string): TaskHubError {
  return new TaskHubError(
    'STORAGE_FAILED',
    `The database "${name}" was deleted while it was open: by another tab, or because the data of this site was cleared. ` +
      'Create a new hub and create the tasks again.',
    { details: { database: name } },
  );
}

function busyError(name: string, patience: number, isBlocked: boolean): TaskHubError {
  const why = isBlocked
    ? 'another tab of this site keeps an older version of it open'
    : 'the browser did not answer, or another tab of this site is deleting it';
  return new TaskHubError(
    'STORAGE_BUSY',
    `The database "${name}" could not be opened within ${patience / 1000} s: ${why}. Close the other tabs, then try again.`,
    { details: { database: name, patience } },
  );
}
