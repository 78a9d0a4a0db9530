// What the errors of the bindings mean: result code of SQLite → our code, and what the user can do.
import { type ErrorCode, isTaskHubError, TaskHubError } from '@taskhub/core';

interface Meaning {
  /** https://www.sqlite.org/rescode.html */
  number: number;
  code: ErrorCode;
  /** The sentence; `$path` stands for the file. */
  says: string;
  /** Another connection is in the way: trying again helps. */
  busy?: true;
}

const HELD =
  'Another program has held "$path" locked for too long. End it (an open sqlite3 shell, a backup), then try again.';
const FULL = 'No space is left to write "$path". Free some space, then resume: what was recorded is kept.';
const MOVED =
  'Cannot open "$path". Check that the file and its folder are there and that this user may use them.';
const DAMAGED =
  'The database "$path" is damaged. Restore a copy, or save what is left: sqlite3 "$path" .recover';
const READ_ONLY =
  'Cannot write "$path": the file or its folder is read-only. Change its permissions or choose another path.';

const MEANINGS: Readonly<Record<string, Meaning>> = {
  SQLITE_BUSY: { number: 5, code: 'STORAGE_BUSY', says: HELD, busy: true },
  SQLITE_LOCKED: { number: 6, code: 'STORAGE_BUSY', says: HELD, busy: true },
  SQLITE_PROTOCOL: { number: 15, code: 'STORAGE_BUSY', says: HELD, busy: true },
  SQLITE_READONLY_DBMOVED: { number: 8 | (4 << 8), code: 'STORAGE_NOT_FOUND', says: MOVED },
  SQLITE_READONLY: { number: 8, code: 'STORAGE_READ_ONLY', says: READ_ONLY },
  SQLITE_CORRUPT: { number: 11, code: 'STORAGE_CORRUPT', says: DAMAGED },
  SQLITE_NOTADB: { number: 26, code: 'STORAGE_CORRUPT', says: DAMAGED },
  SQLITE_FULL: { number: 13, code: 'STORAGE_FULL', says: FULL },
  // The index of the log cannot grow: the disk is full.
  SQLITE_IOERR_SHMSIZE: { number: 10 | (19 << 8), code: 'STORAGE_FULL', says: FULL },
  SQLITE_CANTOPEN: { number: 14, code: 'STORAGE_NOT_FOUND', says: MOVED },
};
const BY_NUMBER: ReadonlyMap<number, Meaning> = new Map(
  Object.values(MEANINGS).map((meaning) => [meaning.number, meaning]),
);

/** What an error of a binding means; undefined if it is not from SQLite, or none that a user can mend. */
function meaningOf(error: unknown): Meaning | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, errcode, errno, resultCode } = error as Readonly<Record<string, unknown>>;
  // better-sqlite3 and bun:sqlite give the name: first the extended one, `SQLITE_BUSY_SNAPSHOT`, then `SQLITE_BUSY`.
  if (typeof code === 'string' && code.startsWith('SQLITE_')) {
    return MEANINGS[code] ?? MEANINGS[code.split('_', 2).join('_')];
  }
  // node:sqlite gives the number as errcode, sqlite-wasm as resultCode; the low byte is the primary code.
  const number = [errcode, resultCode, errno].find((value) => typeof value === 'number' && value > 0);
  if (typeof number !== 'number') return undefined;
  return BY_NUMBER.get(number) ?? BY_NUMBER.get(number & 0xff);
}

/** Whether SQLite refused because another connection holds a lock: waiting helps. */
export function isBusy(error: unknown): boolean {
  return meaningOf(error)?.busy === true;
}

/** The error that the user sees; one of ours is passed on as it is. */
export function storageError(error: unknown, path: string): TaskHubError {
  if (isTaskHubError(error)) return error;
  const said = error instanceof Error ? error.message : String(error);
  const { code, says } = meaningOf(error) ?? {
    code: 'STORAGE_FAILED' as const,
    says: 'SQLite failed on "$path". What was recorded before is kept; the cause says more.',
  };
  const message = `${says.replaceAll('$path', () => path)} (${said})`;
  return new TaskHubError(code, message, { details: { path }, cause: error });
}
