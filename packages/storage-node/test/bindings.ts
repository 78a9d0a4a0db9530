// Which bindings this runtime is expected to have. A test that finds another one fails: a fallback never goes unseen.
import process from 'node:process';
import type { NodeSQLiteOptions } from '../src/index.js';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

/** Whether `node:sqlite` is there without a flag. */
export const hasNodeSqlite: boolean = major > 22 || (major === 22 && minor >= 13);

/** The bindings to run every test with. TASKHUB_BINDINGS=node-sqlite runs where better-sqlite3 was not compiled. */
export const bindings: NonNullable<NodeSQLiteOptions['driver']>[] = hasNodeSqlite
  ? ['better-sqlite3', 'node-sqlite']
  : ['better-sqlite3'];
