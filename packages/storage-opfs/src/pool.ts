// The database file in the origin private file system: a folder of this database, with a pool of open files in it.
import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import { systemClock, TaskHubError } from '@taskhub/core';
import type { SqliteDriver } from '@taskhub/storage-sqlite';
import { driverOf, SqliteFailure, startSqlite } from './sqlite-wasm.js';

const FILE = '/taskhub.db';
/** Database, log or journal, and room to spare: a file cannot be added while SQLite runs. */
const FILES = 4;

/** ms that the files of a tab that has ended may still be held; and between two tries. */
const HELD_PATIENCE = 2_000;
const HELD_STEP = 20;

// https://www.sqlite.org/rescode.html
const IOERR = 10;
const FULL = 13;

/** A database that this worker has open. */
export interface OpenFile {
  driver: SqliteDriver;
  /** @throws TaskHubError STORAGE_NOT_FOUND when the data of the site was cleared since */
  verify: () => void;
}

/** @throws TaskHubError STORAGE_UNAVAILABLE when the browser has no file system for this page, or refuses it */
export async function assertFileSystem(database: string): Promise<void> {
  try {
    await navigator.storage.getDirectory();
  } catch (error) {
    throw openError(error, database, true);
  }
}

/**
 * Opens the file of a database, and creates it if need be.
 *
 * @param isAlone - whether nobody else can be at work on it; otherwise other tabs may hold it for good
 * @throws TaskHubError STORAGE_UNAVAILABLE when the browser has no OPFS or refuses it; STORAGE_BUSY when another tab
 * holds the files; STORAGE_FULL
 */
export async function openFile(
  module: WebAssembly.Module,
  database: string,
  isAlone: boolean,
): Promise<OpenFile> {
  let fileError: unknown;
  const sqlite = await startSqlite(module, (error) => {
    fileError = error;
  });
  const pool = await openPool(sqlite, database, isAlone);
  const folder = await opaqueFolder(database);
  const failure = (resultCode: number, message: string): Error => {
    const cause = fileError;
    fileError = undefined;
    // Only what the file system said tells a full quota from other trouble.
    const code = (resultCode & 0xff) === IOERR && nameOf(cause) === 'QuotaExceededError' ? FULL : resultCode;
    const said = cause === undefined ? message : `${message}: ${String(cause)}`;
    return new SqliteFailure(code, said, cause);
  };
  const db = new pool.OpfsSAHPoolDb(FILE);
  db.exec('PRAGMA locking_mode = EXCLUSIVE'); // There is no shared memory, which a log needs otherwise.
  const driver = driverOf(sqlite, db, {
    failure,
    serialize() {
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      return pool.exportFile(FILE);
    },
    closed: () => void pool.pauseVfs(),
  });
  return { driver, verify: watchOver(folder, database) };
}

type Pool = Awaited<ReturnType<Sqlite3Static['installOpfsSAHPoolVfs']>>;

async function openPool(sqlite: Sqlite3Static, database: string, isAlone: boolean): Promise<Pool> {
  const until = systemClock.monotonic() + HELD_PATIENCE;
  for (;;) {
    try {
      return await sqlite.installOpfsSAHPoolVfs({
        name: 'taskhub',
        directory: folderOf(database).join('/'),
        initialCapacity: FILES,
        ...{
          // By default everything in the folder is deleted when it cannot be opened.
          preserveOnInitFailure: true,
          forceReinitIfPreviouslyFailed: true,
          verbosity: 1, // Only errors, which startSqlite passes on.
        },
      });
    } catch (error) {
      // The files of a tab that has just ended are released a moment after its locks.
      if (nameOf(error) !== 'NoModificationAllowedError' || systemClock.monotonic() >= until) {
        throw openError(error, database, isAlone);
      }
    }
    await new Promise<void>((resolve) => void systemClock.setTimeout(resolve, HELD_STEP));
  }
}

/** The folder of a database, from the root of the file system of this origin. */
function folderOf(database: string): string[] {
  return ['taskhub', encodeURIComponent(database).replace(/^\./, '%2E')];
}

async function opaqueFolder(database: string): Promise<FileSystemDirectoryHandle> {
  let folder = await navigator.storage.getDirectory();
  for (const name of [...folderOf(database), '.opaque']) folder = await folder.getDirectoryHandle(name);
  return folder;
}

/** Looks whether the files are still there, in the background: the answer is for the next call. */
function watchOver(folder: FileSystemDirectoryHandle, database: string): () => void {
  let isThere = true;
  const look = async (): Promise<void> => {
    try {
      isThere = (await folder.keys().next()).done !== true;
    } catch {
      isThere = false; // NotFoundError: the folder is gone, and what is written goes nowhere.
    }
  };
  return () => {
    if (!isThere) throw deletedError(database);
    void look();
  };
}

function nameOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : '';
}

function openError(cause: unknown, database: string, isAlone: boolean): TaskHubError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const options = { details: { database }, cause };
  switch (nameOf(cause)) {
    case 'NoModificationAllowedError': {
      const what = isAlone
        ? 'Something else of this site holds its files. Close the other tabs of it, then try again.'
        : 'Another tab has it open, and without Web Locks (this browser has none) tabs cannot share it. Close the ' +
          'other tab, or use IndexedDB.';
      return new TaskHubError(
        'STORAGE_BUSY',
        `The database "${database}" cannot be opened. ${what}`,
        options,
      );
    }
    case 'QuotaExceededError':
      return new TaskHubError(
        'STORAGE_FULL',
        `The quota of this site is full: "${database}" cannot be opened. Free some space, then try again.`,
        options,
      );
    default:
      return new TaskHubError(
        'STORAGE_UNAVAILABLE',
        `This browser does not let the page use the origin private file system ("${database}"): ${said}. ` +
          'Allow site data, leave private mode, serve the page by https, or use IndexedDB.',
        options,
      );
  }
}

function deletedError(database: string): TaskHubError {
  return new TaskHubError(
    'STORAGE_NOT_FOUND',
    `The database "${database}" was deleted while it was open: the data of this site was cleared. ` +
      'Create a new hub and create the tasks again.',
    { details: { database } },
  );
}
