// The binding that comes with the runtime: node:sqlite, in Node 22.13 and later and in Deno.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { SqliteDriver, SqliteStatement } from '@taskhub/storage-sqlite';
import { type Binding, type Found, runtime } from './binding.js';

/** The part of `node:sqlite` that is used; the types of the oldest supported Node do not know the module. */
interface NodeSqlite {
  DatabaseSync: new (
    path: string,
  ) => {
    exec(sql: string): void;
    prepare(sql: string): SqliteStatement;
    close(): void;
  };
}

/** Loads `node:sqlite` if this runtime has it. */
export function findNodeSqlite(): Found {
  const sqlite = loadQuietly();
  if (sqlite !== undefined) return { binding: binding(sqlite) };
  return { reason: `${runtime().name} has no node:sqlite`, fix: 'use Node 22.13 or later' };
}

// Node 22 prints an ExperimentalWarning when the module is loaded. Nothing is printed by a library: this one warning is
// held back, while it is loaded and no longer.
function loadQuietly(): NodeSqlite | undefined {
  const emitWarning = process.emitWarning;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    const isExpected = rest[0] === 'ExperimentalWarning' && String(warning).includes('SQLite');
    if (!isExpected) Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    // Not `import()`: bundlers look into it, and those that do not know the module fail or strip `node:`.
    return process.getBuiltinModule?.('node:sqlite') as NodeSqlite | undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

function binding({ DatabaseSync }: NodeSqlite): Binding {
  return {
    name: 'node-sqlite',
    open(path): SqliteDriver {
      const db = new DatabaseSync(path);
      return {
        exec: (sql) => db.exec(sql),
        prepare: (sql) => db.prepare(sql),
        serialize: () => copyOf(db),
        close: () => db.close(),
      };
    },
  };
}

/** Older versions of node:sqlite cannot serialize; a copy in a temporary file can be read. */
function copyOf(db: { prepare(sql: string): SqliteStatement }): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'taskhub-export-'));
  try {
    const copy = join(folder, 'copy.db');
    db.prepare('VACUUM INTO ?').run(copy);
    return readFileSync(copy);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
