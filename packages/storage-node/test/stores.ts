// The store on each binding that this runtime has, for the tests that all SQLite stores share.
import type { TestedStore } from '@taskhub/storage-sqlite/testing';
import { chooseBinding } from '../src/choose-binding.js';
import { NodeSQLiteAdapter } from '../src/index.js';
import { bindings } from './bindings.js';

export const stores: TestedStore[] = bindings.map((name) => ({
  name,
  newStore: (path, options) => new NodeSQLiteAdapter(path, { ...options, driver: name }),
  connect: (path) => chooseBinding(name).open(path),
  worker: new URL('./worker.ts', import.meta.url),
}));
