// The binding that comes with Bun: bun:sqlite. Loaded by `open` only, so that Node can load this package.
import process from 'node:process';
import { TaskHubError } from '@taskhub/core';
import type { SqliteDriver, SqliteStatement } from '@taskhub/storage-sqlite';

/** The part of `bun:sqlite` that is used: its types would have to be installed by everybody who compiles with ours. */
interface BunSqlite {
  Database: new (path: string, options: { readwrite: boolean; create: boolean }) => BunDatabase;
  constants: { SQLITE_FCNTL_PERSIST_WAL: number };
}

interface BunDatabase {
  run(sql: string): unknown;
  prepare(sql: string): SqliteStatement & { finalize(): void };
  serialize(): Uint8Array;
  fileControl(operation: number, value: number): unknown;
  close(throwOnError: boolean): void;
}

/** Opens a file through `bun:sqlite`. */
export type OpenFile = (path: string) => SqliteDriver;

// Not in the call of `import` itself: bundlers for Node look into it and fail, since they do not know the module.
const MODULE = 'bun:sqlite';

/**
 * Loads `bun:sqlite`.
 *
 * @throws TaskHubError STORAGE_UNAVAILABLE in another runtime
 */
export async function loadBunSqlite(): Promise<OpenFile> {
  if (process.versions.bun === undefined) {
    throw new TaskHubError(
      'STORAGE_UNAVAILABLE',
      'BunSQLiteAdapter needs Bun: bun:sqlite is a part of it. Start the program with bun, or use NodeSQLiteAdapter.',
    );
  }
  const sqlite: BunSqlite = await import(/* @vite-ignore */ /* webpackIgnore: true */ MODULE);
  return (path) => openFile(sqlite, path);
}

function openFile({ Database, constants }: BunSqlite, path: string): SqliteDriver {
  const db = new Database(path, { readwrite: true, create: true });
  // The SQLite of macOS, which Bun uses there, would leave the log beside the file when it is closed.
  // https://bun.com/docs/api/sqlite
  db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 0);
  const compiled: { finalize(): void }[] = [];
  return {
    exec: (sql) => db.run(sql),
    prepare(sql) {
      const statement = db.prepare(sql);
      compiled.push(statement);
      return statement;
    },
    serialize: () => db.serialize(),
    close() {
      // Bun does not do it: a connection with a statement left stays open until garbage is collected, and holds the log.
      for (const statement of compiled.splice(0)) statement.finalize();
      db.close(true);
    },
  };
}
