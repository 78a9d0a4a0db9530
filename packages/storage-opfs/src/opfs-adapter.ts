// The OPFS store as a page sees it: each call of the contract is one message to the worker that runs the store.
import {
  type Liveness,
  type StorageAdapter,
  TaskHubError,
  type Turns,
  webLockLiveness,
  webLockTurns,
} from '@taskhub/core';
import { assertOneOf, DURABILITIES, type Durability } from '@taskhub/storage-sqlite';
import type { Calls, Method } from './messages.js';
import { WorkerLink } from './worker-link.js';

/** Options of {@link OPFSAdapter}. */
export interface OPFSOptions {
  /**
   * `relaxed`: what is recorded survives the end of the tab and of the browser. `strict`: and power loss; every commit
   * waits for the disk then. The first tab that opens the database decides for those that join it. @default 'relaxed'
   */
  durability?: Durability | undefined;
  /** Address of `worker.js` of this package, for builds that do not find it themselves. @default beside this module */
  workerUrl?: string | URL | undefined;
  /** Address of `sqlite3.wasm` of this package, seen from the page. @default beside the worker */
  wasmUrl?: string | URL | undefined;
}

/**
 * Stores tasks in a SQLite database in the origin private file system, in pages with https (or on localhost).
 *
 * `open` (the hub calls it) starts the worker in which SQLite runs and creates the database. Several tabs may use one
 * database: one of them owns it, the others reach it through that one, and when it goes the next one takes over.
 *
 * @example
 * const hub = new Hub(new OPFSAdapter());
 */
export class OPFSAdapter implements StorageAdapter {
  readonly name = 'opfs';
  readonly capabilities: StorageAdapter['capabilities'] = { persistent: true, shared: true };
  readonly liveness: Liveness = webLockLiveness;
  readonly turns: Turns;
  readonly #database: string;
  readonly #options: OPFSOptions;
  #opening: Promise<WorkerLink> | undefined;
  #link: WorkerLink | undefined;

  /**
   * @param name - of the database, among those of this origin
   * @param options - how durable, and where the files of this package are
   * @throws TaskHubError INVALID_CONFIG when an option has a value that is not allowed
   */
  constructor(name = 'taskhub', options: OPFSOptions = {}) {
    if (typeof name !== 'string' || name === '') {
      throw new TaskHubError(
        'INVALID_CONFIG',
        'The name of an OPFS database must be a text that is not empty.',
      );
    }
    assertOneOf('durability', options.durability, DURABILITIES);
    this.#database = name;
    this.turns = webLockTurns(`opfs:${name}`);
    this.#options = options;
  }

  /**
   * @throws TaskHubError STORAGE_UNAVAILABLE when the browser has no OPFS or refuses it, or the worker or the wasm
   * cannot be loaded (within 5 s); STORAGE_BUSY when the tab that owns the database does not answer; SCHEMA_TOO_NEW,
   * STORAGE_FOREIGN, STORAGE_CORRUPT, STORAGE_FULL
   */
  async open(): Promise<void> {
    if (this.#link?.ended === true) this.#opening = undefined; // Its worker has died: begin again.
    this.#opening ??= this.#connect();
    const opening = this.#opening;
    try {
      this.#link = await opening;
    } catch (error) {
      if (this.#opening === opening) this.#opening = undefined; // The next call tries again.
      throw error;
    }
  }

  async #connect(): Promise<WorkerLink> {
    const { durability = 'relaxed', workerUrl, wasmUrl } = this.#options;
    const link = await WorkerLink.start(workerUrl);
    try {
      const absolute = wasmUrl === undefined ? null : new URL(wasmUrl, globalThis.location.href).href;
      const config = { database: this.#database, durability, wasmUrl: absolute };
      await link.call({ method: 'open', args: [config] });
      return link;
    } catch (error) {
      link.end(closedError(this.#database));
      throw error;
    }
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    if (opening === undefined) return;
    this.#opening = undefined;
    // One that failed to open has nothing to close, and its caller was told.
    const link = await opening.catch(() => undefined);
    this.#link = undefined;
    if (link === undefined || link.ended) return;
    try {
      await link.call({ method: 'close', args: [] });
    } finally {
      link.end(closedError(this.#database));
    }
  }

  #call<M extends Method>(method: M, args: Parameters<Calls[M]>): ReturnType<Calls[M]> {
    const link = this.#link;
    const answer = link?.call({ method, args }) ?? Promise.reject(closedError(this.#database));
    return answer as ReturnType<Calls[M]>; // The worker has called the method of this name.
  }

  insertTask(...args: Parameters<Calls['insertTask']>): ReturnType<Calls['insertTask']> {
    return this.#call('insertTask', args);
  }
  publishTask(...args: Parameters<Calls['publishTask']>): ReturnType<Calls['publishTask']> {
    return this.#call('publishTask', args);
  }
  readTask(...args: Parameters<Calls['readTask']>): ReturnType<Calls['readTask']> {
    return this.#call('readTask', args);
  }
  listTasks(...args: Parameters<Calls['listTasks']>): ReturnType<Calls['listTasks']> {
    return this.#call('listTasks', args);
  }
  transitionTask(...args: Parameters<Calls['transitionTask']>): ReturnType<Calls['transitionTask']> {
    return this.#call('transitionTask', args);
  }
  deleteTask(...args: Parameters<Calls['deleteTask']>): ReturnType<Calls['deleteTask']> {
    return this.#call('deleteTask', args);
  }
  insertJobs(...args: Parameters<Calls['insertJobs']>): ReturnType<Calls['insertJobs']> {
    return this.#call('insertJobs', args);
  }
  exchange(...args: Parameters<Calls['exchange']>): ReturnType<Calls['exchange']> {
    return this.#call('exchange', args);
  }
  renewLeases(...args: Parameters<Calls['renewLeases']>): ReturnType<Calls['renewLeases']> {
    return this.#call('renewLeases', args);
  }
  listOwners(...args: Parameters<Calls['listOwners']>): ReturnType<Calls['listOwners']> {
    return this.#call('listOwners', args);
  }
  releaseJobs(...args: Parameters<Calls['releaseJobs']>): ReturnType<Calls['releaseJobs']> {
    return this.#call('releaseJobs', args);
  }
  resetFailed(...args: Parameters<Calls['resetFailed']>): ReturnType<Calls['resetFailed']> {
    return this.#call('resetFailed', args);
  }
  readJobs(...args: Parameters<Calls['readJobs']>): ReturnType<Calls['readJobs']> {
    return this.#call('readJobs', args);
  }
  exportDatabase(): Promise<Uint8Array> {
    return this.#call('exportDatabase', []);
  }
}

function closedError(database: string): TaskHubError {
  const message = `The database "${database}" is not open, or was closed. Call open(), or create a new hub.`;
  return new TaskHubError('HUB_CLOSED', message, { details: { database } });
}
