// Errors as the bindings make them, and what becomes of each.
import { TaskHubError } from '@taskhub/core';
import { expect, test } from 'vitest';
import { isBusy, storageError } from '../src/sqlite-error.js';

const better = (code: string) => Object.assign(new Error('said'), { code });
const node = (errcode: number) => Object.assign(new Error('said'), { code: 'ERR_SQLITE_ERROR', errcode });
const bun = (code: string, errno: number) => Object.assign(new Error('said'), { code, errno });
const wasm = (resultCode: number) => Object.assign(new Error('said'), { resultCode });

test.each([
  [better('SQLITE_BUSY'), 'STORAGE_BUSY'],
  [better('SQLITE_BUSY_SNAPSHOT'), 'STORAGE_BUSY'],
  [better('SQLITE_LOCKED'), 'STORAGE_BUSY'],
  [better('SQLITE_FULL'), 'STORAGE_FULL'],
  [better('SQLITE_IOERR_SHMSIZE'), 'STORAGE_FULL'],
  [better('SQLITE_IOERR_WRITE'), 'STORAGE_FAILED'],
  [better('SQLITE_READONLY'), 'STORAGE_READ_ONLY'],
  [better('SQLITE_READONLY_DIRECTORY'), 'STORAGE_READ_ONLY'],
  [better('SQLITE_READONLY_DBMOVED'), 'STORAGE_NOT_FOUND'],
  [better('SQLITE_CANTOPEN'), 'STORAGE_NOT_FOUND'],
  [better('SQLITE_CORRUPT_INDEX'), 'STORAGE_CORRUPT'],
  [better('SQLITE_NOTADB'), 'STORAGE_CORRUPT'],
  [better('SQLITE_CONSTRAINT_UNIQUE'), 'STORAGE_FAILED'],
  [node(5), 'STORAGE_BUSY'],
  [node(5 | (2 << 8)), 'STORAGE_BUSY'],
  [node(13), 'STORAGE_FULL'],
  [node(10 | (19 << 8)), 'STORAGE_FULL'],
  [node(8 | (4 << 8)), 'STORAGE_NOT_FOUND'],
  [node(19), 'STORAGE_FAILED'],
  [bun('SQLITE_BUSY', 5), 'STORAGE_BUSY'],
  [bun('SQLITE_CORRUPT', 11), 'STORAGE_CORRUPT'],
  [wasm(13), 'STORAGE_FULL'],
  [wasm(26), 'STORAGE_CORRUPT'],
  [new Error('said'), 'STORAGE_FAILED'],
  [Object.assign(new Error('said'), { code: 'ENOENT', errno: -2 }), 'STORAGE_FAILED'],
  ['said', 'STORAGE_FAILED'],
])('storageError: %o is %s, with path and cause', (cause, code) => {
  const error = storageError(cause, '/data/$path.db');
  expect(error).toMatchObject({ code, cause, details: { path: '/data/$path.db' } });
  expect(error.message).toContain('"/data/$path.db"');
  expect(error.message).toContain('said');
});

test('storageError: one of ours is passed on as it is', () => {
  const error = new TaskHubError('TASK_DELETED', 'gone');
  expect(storageError(error, '/data/a.db')).toBe(error);
});

test('isBusy: only where waiting helps', () => {
  expect(isBusy(better('SQLITE_BUSY'))).toBe(true);
  expect(isBusy(node(5))).toBe(true);
  expect(isBusy(better('SQLITE_FULL'))).toBe(false);
  expect(isBusy(undefined)).toBe(false);
});
