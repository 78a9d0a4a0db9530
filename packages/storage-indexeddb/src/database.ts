// One open connection: transactions that are whole or nothing, and why it can be used no more.
import { systemClock, TaskHubError } from '@taskhub/core';
import type { IDBPDatabase } from 'idb';
import { nameOf, storageError } from './idb-error.js';
import { type Schema, STORES, type StoreName } from './schema.js';
import { Transaction } from './transaction.js';

/** What a commit waits for: `relaxed` for the operating system to have it, `strict` for the disk. */
export type Durability = 'relaxed' | 'strict';

/**
 * ms that the browser may take to tell why a transaction was aborted: it aborts them first and then says that it has
 * closed the connection.
 */
const CLOSE_EVENT = 1_000;

const ENDINGS: readonly string[] = ['AbortError', 'InvalidStateError', 'UnknownError'];

const ALL = [...STORES] as StoreName[];

/** A connection. It closes itself when another tab needs that, or the browser takes the data away. */
export class Database {
  readonly name: string;
  readonly #db: IDBPDatabase<Schema>;
  readonly #durability: Durability;
  readonly #numbers = new Map<string, number>();
  #end: TaskHubError | undefined;
  #hasClosed: () => void = () => undefined;
  readonly #closing: Promise<void> = new Promise((resolve) => {
    this.#hasClosed = resolve;
  });

  constructor(db: IDBPDatabase<Schema>, durability: Durability) {
    this.#db = db;
    this.name = db.name;
    this.#durability = durability;
  }

  get closed(): boolean {
    return this.#end !== undefined;
  }

  /**
   * One transaction that may write. `work` awaits nothing but requests of it.
   *
   * @throws TaskHubError when it was not committed; nothing was written then
   */
  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#run('readwrite', work);
  }

  /** One transaction that reads: all of it sees the same state. */
  read<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#run('readonly', work);
  }

  /** Ends the connection. Transactions that have begun are completed; later calls reject with `reason`. */
  close(reason: TaskHubError = closedError(this.name)): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    this.#hasClosed();
    this.#db.close();
  }

  /** Why the connection has ended, if it has or does so within `ms`. */
  async #endWithin(ms: number): Promise<TaskHubError | undefined> {
    const timeout = new Promise<void>((resolve) => void systemClock.setTimeout(resolve, ms));
    await Promise.race([this.#closing, timeout]);
    return this.#end;
  }

  async #run<T>(mode: 'readonly' | 'readwrite', work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (this.#end !== undefined) throw this.#end;
    try {
      // One type for both modes: nothing that reads asks for a write.
      const inner = this.#db.transaction(ALL, mode as 'readwrite', { durability: this.#durability });
      const { done } = inner;
      done.catch(() => undefined); // It is awaited below, maybe only after `work` has failed.
      try {
        const value = await work(new Transaction(inner, this.#numbers));
        inner.commit(); // Else the browser waits for our answer to each write before it commits by itself.
        // What was read is so, whatever becomes of a transaction that has written nothing.
        if (mode === 'readwrite') await done;
        return value;
      } catch (error) {
        throw await causeOf(error, inner);
      }
    } catch (error) {
      if (!isEnding(error)) throw storageError(error, this.name);
      // A transaction that ended because the connection did has failed for that reason, of which we hear later.
      throw (await this.#endWithin(CLOSE_EVENT)) ?? storageError(error, this.name);
    }
  }
}

interface Abortable {
  abort(): void;
  readonly done: Promise<void>;
  readonly error: DOMException | null;
}

/** Makes sure that nothing is written, and gives what went wrong first. */
async function causeOf(error: unknown, transaction: Abortable): Promise<unknown> {
  try {
    transaction.abort();
  } catch {
    // It has ended by itself: because of the error that we have, or of the one that it tells.
  }
  await transaction.done.catch(() => undefined);
  // A request of an aborted transaction fails with AbortError; why it was aborted stands in the transaction.
  return isEnding(error) ? (transaction.error ?? error) : error;
}

/** Whether the error may be one of a connection that has ended: Chromium calls it UnknownError when it clears data. */
function isEnding(error: unknown): boolean {
  return ENDINGS.includes(nameOf(error));
}

/** What a call before `open()` or after `close()` gets. */
export function closedError(name: string): TaskHubError {
  const message = `The database "${name}" is not open, or was closed. Call open(), or create a new hub.`;
  return new TaskHubError('HUB_CLOSED', message, { details: { database: name } });
}
