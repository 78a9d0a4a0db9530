// Looks at a database file before SQLite opens it, so that one that is not ours is left as it is, to the last byte.
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type ErrorCode, TaskHubError } from '@taskhub/core';
import { foreignError, tooNewError } from '../open-database.js';
import { APPLICATION_ID, SCHEMA_VERSION } from '../schema.js';

// https://www.sqlite.org/fileformat.html#the_database_header
const HEADER_SIZE = 100;
const MAGIC = 'SQLite format 3\0';
const USER_VERSION_AT = 60;
const APPLICATION_ID_AT = 68;

// https://www.sqlite.org/fileformat.html#the_rollback_journal
const JOURNAL_HEADER_SIZE = 28;
const JOURNAL_MAGIC = '\xd9\xd5\x05\xf9\x20\xa1\x63\xd7';
const PAGES_BEFORE_AT = 16;

/** A file that can be opened, and how to see whether it is still the same one. */
export interface PreparedFile {
  /** Absolute. */
  path: string;
  /** @throws TaskHubError STORAGE_NOT_FOUND when the file was deleted or replaced since */
  verify: () => void;
}

/**
 * Makes sure that `dbPath` is a TaskHub database, or creates an empty file that only its owner may read.
 *
 * @param dbPath - a file name, taken from the working folder unless absolute
 * @throws TaskHubError INVALID_CONFIG, STORAGE_NOT_FOUND (also for a folder), STORAGE_READ_ONLY, STORAGE_FOREIGN,
 * SCHEMA_TOO_NEW, STORAGE_FULL, STORAGE_UNAVAILABLE (Deno, without permission); nothing was written then
 */
export function prepareFile(dbPath: string): PreparedFile {
  if (dbPath === '' || dbPath === ':memory:' || dbPath.startsWith('file:')) {
    throw new TaskHubError(
      'INVALID_CONFIG',
      `"${dbPath}" cannot be a dbPath: it has to name a file. Without a file use new MemoryAdapter().`,
      { details: { path: dbPath } },
    );
  }
  const path = resolve(dbPath);
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    assertFolderUsable(path);
    if (found === undefined) createPrivately(path);
    else assertUsable(path, found);
    const opened = statSync(path);
    return { path, verify: () => assertSame(path, opened) };
  } catch (error) {
    throw fileError(error, path);
  }
}

function assertFolderUsable(path: string): void {
  const folder = dirname(path);
  const found = statSync(folder, { throwIfNoEntry: false });
  if (!found?.isDirectory()) {
    throw notFound(
      path,
      `Cannot create "${path}": the folder "${folder}" is not there. Create it or choose another path.`,
    );
  }
}

function createPrivately(path: string): void {
  assertAccess(dirname(path), path);
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error; // Another process was quicker; it opens the same file.
  }
}

function assertUsable(path: string, found: Stats): void {
  if (found.isDirectory()) {
    throw notFound(
      path,
      `"${path}" is a folder. Give the name of a file in it, such as "${path}/taskhub.db".`,
    );
  }
  if (!found.isFile()) throw foreignError(path);
  assertHeader(path);
  closeSync(openSync(path, 'r+')); // May it be written? `access` does not know of every file system, in Deno.
  assertAccess(dirname(path), path); // SQLite keeps its log beside the file.
}

function assertAccess(target: string, path: string): void {
  try {
    accessSync(target, constants.R_OK | constants.W_OK);
  } catch (error) {
    // Deno compares users only with --allow-sys. Without it, whoever opens the file will see.
    if (!isDenied(error)) throw readOnly(path, target, error);
  }
}

/** Whether a flag such as `--allow-read` is missing; Deno gives no code. */
function isDenied(error: unknown): error is Error {
  return error instanceof Error && error.name === 'NotCapable';
}

/** An empty file is as good as none. */
function assertHeader(path: string): void {
  const header = readStart(path, HEADER_SIZE);
  if (header.length === 0) return;
  const ours =
    header.length === HEADER_SIZE &&
    header.toString('latin1', 0, MAGIC.length) === MAGIC &&
    header.readUInt32BE(APPLICATION_ID_AT) === APPLICATION_ID;
  if (!ours) {
    if (isEmptied(path, header)) return;
    throw foreignError(path);
  }
  const version = header.readUInt32BE(USER_VERSION_AT);
  if (version > SCHEMA_VERSION) throw tooNewError(path, version);
}

/**
 * Whether SQLite will empty the file when it opens it: the power failed before its header was written, in a first
 * transaction. One of another program has no header either then, and nothing in it.
 */
function isEmptied(path: string, header: Buffer): boolean {
  const journal = `${realpathSync(path)}-journal`;
  if (header.some((byte) => byte !== 0) || !existsSync(journal)) return false;
  const start = readStart(journal, JOURNAL_HEADER_SIZE);
  return (
    start.length === JOURNAL_HEADER_SIZE &&
    start.toString('latin1', 0, JOURNAL_MAGIC.length) === JOURNAL_MAGIC &&
    start.readUInt32BE(PAGES_BEFORE_AT) === 0
  );
}

/** The first bytes of a file; fewer where it is shorter. */
function readStart(path: string, length: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, 0));
  } finally {
    closeSync(file);
  }
}

function assertSame(path: string, opened: Stats): void {
  const now = statSync(path, { throwIfNoEntry: false });
  if (now?.ino === opened.ino && now.dev === opened.dev) return;
  throw notFound(
    path,
    `"${path}" was deleted or replaced while it was in use: what is recorded from now on would be lost. ` +
      'Put it back or start again with a new hub.',
  );
}

function notFound(path: string, message: string): TaskHubError {
  return new TaskHubError('STORAGE_NOT_FOUND', message, { details: { path } });
}

function readOnly(path: string, target: string, cause: unknown): TaskHubError {
  return new TaskHubError(
    'STORAGE_READ_ONLY',
    `Cannot write "${path}": this process may not write "${target}". Change its permissions or choose another path.`,
    { details: { path, target }, cause },
  );
}

const SYSTEM_CODES: Readonly<Record<string, { code: ErrorCode; says: string }>> = {
  EACCES: {
    code: 'STORAGE_READ_ONLY',
    says: 'this process may not use it. Change its permissions or choose another path',
  },
  EPERM: {
    code: 'STORAGE_READ_ONLY',
    says: 'this process may not use it. Change its permissions or choose another path',
  },
  EROFS: { code: 'STORAGE_READ_ONLY', says: 'the file system is read-only. Choose another path' },
  ENOTDIR: { code: 'STORAGE_NOT_FOUND', says: 'a part of the path is no folder. Choose another path' },
  ENOSPC: { code: 'STORAGE_FULL', says: 'the disk is full. Free some space' },
  EDQUOT: { code: 'STORAGE_FULL', says: 'the quota is used up. Free some space' },
};

function fileError(error: unknown, path: string): unknown {
  if (isDenied(error)) {
    return new TaskHubError('STORAGE_UNAVAILABLE', `Deno may not use "${path}": ${error.message}.`, {
      details: { path },
      cause: error,
    });
  }
  const known = SYSTEM_CODES[codeOf(error) ?? ''];
  if (known === undefined) return error;
  return new TaskHubError(known.code, `Cannot open "${path}": ${known.says}.`, {
    details: { path },
    cause: error,
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
