// SQLite in WebAssembly: loads the module, and makes a driver of a connection.
import init, { type Database, type Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import { TaskHubError } from '@taskhub/core';
import type { SqliteDriver, SqliteStatement, SqliteValue } from '@taskhub/storage-sqlite';

/** ms that the wasm may take to load. */
const LOAD_PATIENCE = 5_000;

/** What the build of SQLite takes, and its types do not tell. */
interface ModuleOptions {
  instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): object;
}

/** Told of errors of the file system, which SQLite reports as nothing but "disk I/O error". */
export type FileErrorListener = (error: unknown) => void;

/**
 * Fetches and compiles SQLite.
 *
 * @throws TaskHubError STORAGE_UNAVAILABLE with the URL, after 5 s at the latest
 */
export async function compileSqlite(url: string): Promise<WebAssembly.Module> {
  try {
    const response = await fetch(url, {
      credentials: 'same-origin',
      signal: AbortSignal.timeout(LOAD_PATIENCE),
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    // Not compiled while it streams: that needs a content type which many servers do not send.
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new TaskHubError(
      'STORAGE_UNAVAILABLE',
      `SQLite cannot be loaded from ${url}: ${said}. ` +
        'Serve the file sqlite3.wasm of @taskhub/storage-opfs and pass its address as wasmUrl.',
      { details: { url }, cause },
    );
  }
}

/** Starts SQLite, with those parts left out that need threads, and silent. */
export async function startSqlite(
  module: WebAssembly.Module,
  onFileError: FileErrorListener,
): Promise<Sqlite3Static> {
  const silent = (): void => undefined;
  Object.assign(globalThis, {
    sqlite3ApiConfig: {
      disable: { vfs: { opfs: true, 'opfs-wl': true, kvvfs: true } },
      debug: silent,
      log: silent,
      warn: silent,
      error: (_vfs: unknown, error: unknown) => onFileError(error),
    },
  });
  return new Promise((resolve, reject) => {
    const options: ModuleOptions = {
      instantiateWasm(imports, done) {
        WebAssembly.instantiate(module, imports).then(done, reject);
        return {};
      },
    };
    (init as (options: ModuleOptions) => Promise<Sqlite3Static>)(options).then(resolve, reject);
  });
}

// The functions of the wasm that run for every row: the layer over them that comes with it takes twice the time.
interface Exports {
  sqlite3_bind_null(statement: number, at: number): number;
  sqlite3_bind_int(statement: number, at: number, value: number): number;
  sqlite3_bind_int64(statement: number, at: number, value: bigint): number;
  sqlite3_bind_text(statement: number, at: number, text: number, length: number, destructor: number): number;
  sqlite3_bind_blob(statement: number, at: number, bytes: number, length: number, destructor: number): number;
  sqlite3_step(statement: number): number;
  sqlite3_reset(statement: number): number;
  sqlite3_column_count(statement: number): number;
  sqlite3_column_type(statement: number, at: number): number;
  sqlite3_column_double(statement: number, at: number): number;
  sqlite3_column_text(statement: number, at: number): number;
  sqlite3_column_blob(statement: number, at: number): number;
  sqlite3_column_bytes(statement: number, at: number): number;
  sqlite3_changes(db: number): number;
  sqlite3_last_insert_rowid(db: number): bigint;
  sqlite3_extended_errcode(db: number): number;
}

// https://www.sqlite.org/rescode.html, https://www.sqlite.org/c3ref/c_blob.html
const ROW = 100;
const DONE = 101;
const INTEGER = 1;
const TEXT = 3;
const BLOB = 4;
/** The bytes stay where they are until the statement has run. */
const STATIC = 0;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** An error of SQLite as `storageError` of the layer above reads it. */
export class SqliteFailure extends Error {
  readonly resultCode: number;
  constructor(resultCode: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'SqliteFailure';
    this.resultCode = resultCode;
  }
}

/** What a driver needs besides its connection. */
export interface DriverHooks {
  /** The error to throw for one of SQLite. */
  failure(resultCode: number, message: string): Error;
  /** The bytes of the database file. */
  serialize(): Uint8Array;
  /** The connection is closed. */
  closed(): void;
}

/** A connection as the SQL layer wants it. */
export function driverOf(sqlite: Sqlite3Static, db: Database, hooks: DriverHooks): SqliteDriver {
  const pointer = db.pointer ?? 0;
  const wasm = sqlite.wasm.exports as Exports;
  const memory = new Scratch(sqlite);
  const translated = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (error instanceof sqlite.SQLite3Error) throw hooks.failure(error.resultCode, error.message);
      throw error;
    }
  };
  const fail = (): never => {
    throw hooks.failure(wasm.sqlite3_extended_errcode(pointer), sqlite.capi.sqlite3_errmsg(pointer));
  };

  function prepare(sql: string): SqliteStatement {
    const compiled = translated(() => db.prepare(sql));
    const statement = compiled.pointer ?? 0;
    const columns = compiled.columnCount > 0 ? compiled.getColumnNames() : [];

    const bind = (values: readonly SqliteValue[]): void => {
      memory.reserve(values);
      values.forEach((value, at) => {
        if (bindOne(statement, at + 1, value) !== 0) fail();
      });
    };
    const row = (): Record<string, SqliteValue> => {
      const found: Record<string, SqliteValue> = {};
      columns.forEach((column, at) => {
        found[column] = readColumn(statement, at);
      });
      return found;
    };
    /** Runs to the end, or until `seen` has enough. */
    const run = (values: readonly SqliteValue[], seen?: () => boolean): void => {
      if (pointer === 0 || compiled.pointer === undefined) throw new Error('The connection is closed.');
      try {
        bind(values);
        for (;;) {
          const code = wasm.sqlite3_step(statement);
          if (code === DONE) return;
          if (code !== ROW) fail();
          if (seen?.() === true) return;
        }
      } finally {
        wasm.sqlite3_reset(statement);
      }
    };

    return {
      run(...values) {
        run(values);
        return {
          changes: wasm.sqlite3_changes(pointer),
          lastInsertRowid: wasm.sqlite3_last_insert_rowid(pointer),
        };
      },
      get(...values) {
        let first: unknown;
        run(values, () => {
          first = row();
          return true;
        });
        return first;
      },
      all(...values) {
        const rows: unknown[] = [];
        run(values, () => {
          rows.push(row());
          return false;
        });
        return rows;
      },
    };
  }

  function bindOne(statement: number, at: number, value: SqliteValue): number {
    if (value === null) return wasm.sqlite3_bind_null(statement, at);
    if (typeof value === 'number') {
      return (value | 0) === value
        ? wasm.sqlite3_bind_int(statement, at, value)
        : wasm.sqlite3_bind_int64(statement, at, BigInt(value));
    }
    const { start, length } = memory.put(value);
    return typeof value === 'string'
      ? wasm.sqlite3_bind_text(statement, at, start, length, STATIC)
      : wasm.sqlite3_bind_blob(statement, at, start, length, STATIC);
  }

  function readColumn(statement: number, at: number): SqliteValue {
    switch (wasm.sqlite3_column_type(statement, at)) {
      case INTEGER:
        return wasm.sqlite3_column_double(statement, at); // Exact up to 2^53, and no bigint is made on the way.
      case TEXT: {
        const start = wasm.sqlite3_column_text(statement, at);
        const end = start + wasm.sqlite3_column_bytes(statement, at);
        return decoder.decode(sqlite.wasm.heap8u().subarray(start, end));
      }
      case BLOB: {
        const start = wasm.sqlite3_column_blob(statement, at);
        return sqlite.wasm.heap8u().slice(start, start + wasm.sqlite3_column_bytes(statement, at));
      }
      default:
        return null;
    }
  }

  return {
    exec: (sql) => translated(() => db.exec(sql)),
    prepare,
    serialize: () => translated(() => hooks.serialize()),
    close() {
      translated(() => db.close());
      memory.free();
      hooks.closed();
    },
  };
}

/** Bytes most statements need; more is given back after use. */
const USUAL = 1 << 18;

/** Memory of SQLite in which the texts and bytes of one statement lie while it runs. */
class Scratch {
  readonly #sqlite: Sqlite3Static;
  #start = 0;
  #size = 0;
  #used = 0;

  constructor(sqlite: Sqlite3Static) {
    this.#sqlite = sqlite;
  }

  /** Makes room for all of these values; those of the statement before are gone. */
  reserve(values: readonly SqliteValue[]): void {
    let needed = 1;
    for (const value of values) {
      // A UTF-16 unit is at most three bytes of UTF-8.
      if (typeof value === 'string') needed += value.length * 3;
      else if (typeof value === 'object' && value !== null) needed += value.length;
    }
    this.#used = 0;
    if (needed <= this.#size && (this.#size === USUAL || needed > USUAL)) return;
    this.free();
    this.#size = Math.max(needed, USUAL);
    this.#start = this.#sqlite.wasm.alloc(this.#size);
  }

  put(value: string | Uint8Array): { start: number; length: number } {
    const start = this.#start + this.#used;
    // Asked for each time: the memory may have grown, which makes views of it unusable.
    const room = this.#sqlite.wasm.heap8u().subarray(start, this.#start + this.#size);
    let length: number;
    if (typeof value === 'string') length = encoder.encodeInto(value, room).written;
    else {
      room.set(value);
      length = value.length;
    }
    this.#used += length;
    return { start, length };
  }

  free(): void {
    if (this.#size > 0) this.#sqlite.wasm.dealloc(this.#start);
    this.#size = 0;
  }
}
