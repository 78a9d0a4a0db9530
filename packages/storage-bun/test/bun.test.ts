// What is special to Bun.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { newPath, storesOf } from '@taskhub/storage-sqlite/testing';
import { expect, test } from 'vitest';
import { BunSQLiteAdapter } from '../src/index.js';
import { sha256 } from '../src/sha256.js';
import { store } from './store.js';

const { openRaw } = storesOf(store);

test('the tests run inside Bun', () => {
  expect(process.versions.bun).toMatch(/^\d/);
});

test.each(['', 'abc', 'é€😀', 'x'.repeat(100_000), new Uint8Array(0), new Uint8Array([0, 1, 255])])(
  'sha256: it is SHA-256, as 32 new bytes',
  (data) => {
    const hash = sha256?.(data);
    expect(Buffer.from(hash ?? []).toString('hex')).toBe(createHash('sha256').update(data).digest('hex'));
    expect(hash?.buffer.byteLength).toBe(32);
    expect(sha256?.(data)).not.toBe(hash);
  },
);

test('sha256: the store offers it to the engine', () => {
  expect(new BunSQLiteAdapter(newPath()).sha256).toBe(sha256);
});

test('connection: it does not wait for locks by itself', () => {
  expect(openRaw(newPath()).prepare('PRAGMA busy_timeout').get()).toEqual({ timeout: 0 });
});

test('connection: after close, a statement that was left behind fails, and the file is free', () => {
  const path = newPath();
  const driver = store.connect(path);
  driver.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (a)');
  const insert = driver.prepare('INSERT INTO t VALUES (?)');
  insert.run(1);
  driver.close();
  expect(() => insert.run(2)).toThrow();
  expect(existsSync(`${path}-wal`)).toBe(false);
});

test('values: whole numbers up to 2^53, text with a NUL, bytes', () => {
  const driver = openRaw(newPath());
  driver.exec('CREATE TABLE t (a, b, c)');
  const row = { a: Number.MAX_SAFE_INTEGER, b: 'a\0b', c: new Uint8Array([0, 255]) };
  driver.prepare('INSERT INTO t VALUES (?, ?, ?)').run(row.a, row.b, row.c);
  expect(driver.prepare('SELECT * FROM t').get()).toEqual(row);
});
