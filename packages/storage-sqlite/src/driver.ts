// What the SQL layer needs of a SQLite binding. better-sqlite3, node:sqlite and bun:sqlite fit it nearly as they are.

/** What is bound to a statement. Numbers are whole and below 2^53; a store never needs more. */
export type SqliteValue = string | number | null | Uint8Array;

/** What a statement that writes has done. */
export interface SqliteChange {
  changes: number | bigint;
  lastInsertRowid: number | bigint;
}

/** A compiled statement, used again and again. Rows are plain objects by column name. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): SqliteChange;
  /** The first row, or undefined (null in some bindings). */
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
}

/**
 * One connection to one database, synchronous.
 *
 * It must not wait for locks by itself (`busy_timeout` 0): the layer above waits on a timer, so that the event loop
 * stays free. Errors are thrown as the binding makes them: `storageError` knows the result codes of all.
 */
export interface SqliteDriver {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  /** The whole database as the bytes of a SQLite file. */
  serialize(): Uint8Array;
  /** Finalizes all statements and closes the connection. */
  close(): void;
}
