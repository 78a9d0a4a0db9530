// The store on bun:sqlite, for the tests that all SQLite stores share.
import type { TestedStore } from '@taskhub/storage-sqlite/testing';
import { loadBunSqlite } from '../src/bun-sqlite.js';
import { BunSQLiteAdapter } from '../src/index.js';

export const store: TestedStore = {
  name: 'bun-sqlite',
  newStore: (path, options) => new BunSQLiteAdapter(path, options),
  connect: await loadBunSqlite(),
  worker: new URL('./worker.ts', import.meta.url),
};
