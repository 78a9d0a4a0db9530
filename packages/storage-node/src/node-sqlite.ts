// The binding that comes with the runtime: node:sqlite, in Node 22.13 and later and in Deno.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { TaskHubError } from '@taskhub/core';
import type { SqliteDriver, SqliteStatement, SqliteValue } from '@taskhub/storage-sqlite';
import { type Binding, type Found, runtime } from './binding.js';

/** The part of `node:sqlite` that is used; the types of the oldest supported Node do not know the module. */
interface NodeSqlite {
  DatabaseSync: new (path: string) => NodeDatabase;
}

interface NodeDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

/** Loads `node:sqlite` if this runtime has it. */
export function findNodeSqlite(): Found {
  const sqlite = loadQuietly();
  if (sqlite !== undefined) return { binding: binding(sqlite) };
  return { reason: `${runtime().name} has no node:sqlite`, fix: 'use Node 22.13 or later' };
}

// Node 22 prints an ExperimentalWarning when the module is loaded. A library prints nothing: this one warning is held
// back, while the module is loaded and no longer.
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
  // Asked in memory: of a file, the question would meet its locks and its damage, which are for the layer above.
  const probe = new DatabaseSync(':memory:');
  const cuts = cutsText(probe);
  probe.close();
  return {
    name: 'node-sqlite',
    open(path): SqliteDriver {
      const db = new DatabaseSync(path);
      return {
        exec: (sql) => db.exec(sql),
        prepare: (sql) => (cuts ? refusingNul(db.prepare(sql)) : db.prepare(sql)),
        serialize: () => copyOf(db),
        close: () => db.close(),
      };
    },
  };
}

/** Whether text comes back only up to its first NUL character, as in Node 22; Node 24 gives all of it. */
export function cutsText(db: Pick<NodeDatabase, 'prepare'>): boolean {
  const row = db.prepare("SELECT 'a' || char(0) || 'b' AS text").get() as { text: string };
  return row.text.length < 3;
}

/** Fails where data would be lost: nobody sees text that was cut when it is read. */
function refusingNul(statement: SqliteStatement): SqliteStatement {
  const check = (values: SqliteValue[]): SqliteValue[] => {
    if (values.some((value) => typeof value === 'string' && value.includes('\0'))) throw nulError();
    return values;
  };
  return {
    run: (...values) => statement.run(...check(values)),
    get: (...values) => statement.get(...check(values)),
    all: (...values) => statement.all(...check(values)),
  };
}

function nulError(): TaskHubError {
  return new TaskHubError(
    'STORAGE_FAILED',
    `A name, key, input or output holds a NUL character, and the node:sqlite of ${runtime().name} cuts text there. ` +
      'Use Node 24, or run: npm install better-sqlite3',
  );
}

/** Older versions of node:sqlite cannot serialize; a copy in a temporary file can be read. */
function copyOf(db: NodeDatabase): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'taskhub-export-'));
  try {
    const copy = join(folder, 'copy.db');
    db.prepare('VACUUM INTO ?').run(copy);
    return readFileSync(copy);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
