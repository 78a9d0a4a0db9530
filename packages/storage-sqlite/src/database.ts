// One open connection: statements compiled once, transactions that wait for locks on a timer and never block the loop.
import { type Clock, TaskHubError } from '@taskhub/core';
import type { SqliteChange, SqliteDriver, SqliteStatement, SqliteValue } from './driver.js';
import { isBusy, storageError } from './sqlite-error.js';

/** A compiled statement whose rows have a known shape. */
export interface Statement<Row> {
  run(...values: SqliteValue[]): SqliteChange;
  get(...values: SqliteValue[]): Row | null | undefined;
  all(...values: SqliteValue[]): Row[];
}

/** ms that a call waits for a lock before it gives up. */
export const LOCK_PATIENCE = 60_000;

/** Longest single wait for a lock, ms. With chance in it, so that two processes do not meet again and again. */
const LONGEST_WAIT = 20;

/** A connection and its compiled statements. Work given to `read` and `write` is synchronous, hence never interleaved. */
export class Database {
  readonly path: string;
  readonly #driver: SqliteDriver;
  readonly #clock: Clock;
  readonly #statements = new Map<string, SqliteStatement>();
  #closed = false;

  constructor(driver: SqliteDriver, path: string, clock: Clock) {
    this.#driver = driver;
    this.path = path;
    this.#clock = clock;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The statement for this text, compiled on first use. The caller says what its rows look like. */
  sql<Row = never>(text: string): Statement<Row> {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#driver.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement as Statement<Row>;
  }

  /**
   * One transaction that may write. While another process holds the lock it is tried again, and `work` may run again
   * from its start: it must change nothing outside the database that a second run would not set right.
   *
   * @throws TaskHubError STORAGE_BUSY after 60 s of waiting; nothing was written then, nor for any other error
   */
  write<T>(work: () => T): Promise<T> {
    return this.#withPatience(() => this.#transaction('BEGIN IMMEDIATE', work));
  }

  /** One transaction that reads: all of it sees the same state. */
  read<T>(work: () => T): Promise<T> {
    return this.#withPatience(() => this.#transaction('BEGIN', work));
  }

  /** Work that no transaction may surround, tried again while a lock is in the way. */
  outside<T>(work: () => T): Promise<T> {
    return this.#withPatience(work);
  }

  /** The next turn of the event loop: between two slices of long work. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#clock.turn(resolve));
  }

  /** The bytes of the database as a file of its own. */
  serialize(): Uint8Array {
    const bytes = this.#driver.serialize();
    // File format versions of the header: 1 = no log. As 2 it could not be opened where no log can be kept beside it.
    bytes.fill(1, 18, 20);
    return bytes;
  }

  /** Merges the log into the file, so that it is complete when copied, and closes the connection. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#statements.clear();
    try {
      this.#driver.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // Another connection uses the log, or the disk is full: it stays beside the file then, and nothing is lost.
    } finally {
      this.#driver.close();
    }
  }

  #transaction<T>(begin: string, work: () => T): T {
    this.sql(begin).run();
    try {
      const value = work();
      this.sql('COMMIT').run();
      return value;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #rollBack(): void {
    try {
      this.sql('ROLLBACK').run();
    } catch {
      // After some errors (disk full, I/O) SQLite has rolled back by itself; the error that counts is the one before.
    }
  }

  async #withPatience<T>(attempt: () => T): Promise<T> {
    let until: number | undefined;
    for (;;) {
      if (this.#closed) throw closedError(this.path);
      try {
        return attempt();
      } catch (error) {
        until ??= this.#clock.monotonic() + LOCK_PATIENCE;
        if (!isBusy(error) || this.#clock.monotonic() >= until) throw storageError(error, this.path);
      }
      await new Promise<void>((resolve) => {
        this.#clock.setTimeout(resolve, 1 + Math.random() * (LONGEST_WAIT - 1));
      });
    }
  }
}

/** What a call before `open()` or after `close()` gets. */
export function closedError(path: string): TaskHubError {
  const message = `The database "${path}" is not open, or was closed. Call open(), or create a new hub.`;
  return new TaskHubError('HUB_CLOSED', message, { details: { path } });
}
