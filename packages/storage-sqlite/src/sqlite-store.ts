// The contract over one SQLite file. Each method is one transaction; what it does there stands in the file of its name.
import {
  type Clock,
  type Exchange,
  type ExchangeResult,
  type InsertResult,
  type JobCounts,
  type JobQuery,
  type JobRecord,
  type Liveness,
  type NewJob,
  type NewTask,
  type OwnerRecord,
  type Page,
  type Sha256,
  type StorageAdapter,
  type StoredTaskStatus,
  systemClock,
  type TaskPatch,
  type TaskQuery,
  type TaskRecord,
} from '@taskhub/core';
import { assertOneOf } from './assert-one-of.js';
import { closedError, type Database } from './database.js';
import type { SqliteDriver } from './driver.js';
import { exchange } from './exchange.js';
import { resetFailed } from './failed-jobs.js';
import { Ingest } from './ingest.js';
import { DURABILITIES, type Durability, openDatabase } from './open-database.js';
import { endLease, listHeld, listOwners, readOwners, renewLeases } from './owners.js';
import { readJobs } from './read-jobs.js';
import { storageError } from './sqlite-error.js';
import { sweep } from './sweep.js';
import {
  hideTask,
  insertTask,
  listTasks,
  NO_JOBS,
  publishTask,
  readHead,
  readHeadOrThrow,
  readTask,
  transitionTask,
  writeProgress,
} from './task-rows.js';

/** A connection that an adapter has opened. */
export interface SqliteConnection {
  /** The name of the storage, as in the option `storage`. */
  name: string;
  driver: SqliteDriver;
  /** How a transaction is kept until it is in the file for good. @default 'WAL' */
  journal?: 'WAL' | 'TRUNCATE';
}

/** What an adapter gives to the store. */
export interface SqliteStoreOptions {
  /** The name before it is open. */
  name: string;
  /** As the user should read it in messages. */
  path: string;
  /** Opens the file, after whatever can be checked without opening it. Called by `open`. */
  connect: () => Promise<SqliteConnection>;
  /** Throws if the file is no longer the one that was opened. Called by exchanges, at most once a second. */
  verify?: () => void;
  /** @default 'relaxed' */
  durability?: Durability | undefined;
  liveness?: Liveness;
  sha256?: Sha256 | undefined;
  /** @default the clock of the runtime */
  clock?: Clock;
}

/** ms between two looks at the file. */
const VERIFY_INTERVAL = 1_000;

/** `StorageAdapter` over SQLite. The adapters of the runtimes give it their binding. */
export class SqliteStore implements StorageAdapter {
  readonly capabilities: StorageAdapter['capabilities'] = { persistent: true, shared: true };
  readonly liveness?: Liveness;
  readonly sha256: Sha256 | undefined;
  readonly #options: SqliteStoreOptions;
  readonly #clock: Clock;
  readonly #ingests = new Map<number, Ingest>();
  #name: string;
  #opening: Promise<Database> | undefined;
  #db: Database | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #verifiedAt = 0;

  /** @throws TaskHubError INVALID_CONFIG when `durability` is none that there is */
  constructor(options: SqliteStoreOptions) {
    assertOneOf('durability', options.durability, DURABILITIES);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#name = options.name;
    if (options.liveness !== undefined) this.liveness = options.liveness;
    this.sha256 = options.sha256;
  }

  get name(): string {
    return this.#name;
  }

  async open(): Promise<void> {
    this.#opening ??= this.#connect();
    const opening = this.#opening;
    try {
      await opening;
    } catch (error) {
      if (this.#opening === opening) this.#opening = undefined; // The next call tries again.
      throw error;
    }
  }

  async #connect(): Promise<Database> {
    const { connect, path, durability = 'relaxed' } = this.#options;
    try {
      const { name, driver, journal } = await connect();
      const db = await openDatabase(driver, path, { clock: this.#clock, durability, journal });
      this.#name = name;
      this.#db = db;
      this.#startSweep(db);
      return db;
    } catch (error) {
      throw storageError(error, path);
    }
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    if (opening === undefined) return;
    this.#opening = undefined;
    this.#ingests.clear();
    // One that failed to open has nothing to close, and its caller was told.
    const db = await opening.catch(() => undefined);
    this.#db = undefined;
    db?.close();
    await this.#sweeping;
  }

  get #open(): Database {
    if (this.#db === undefined) throw closedError(this.#options.path);
    return this.#db;
  }

  // --- tasks ---

  async insertTask(task: NewTask): Promise<{ task: TaskRecord; created: boolean }> {
    const db = this.#open;
    return db.write(() => insertTask(db, task));
  }

  async publishTask(
    provisional: string,
    final: { id: string; root: string; duplicates: number },
    now: number,
  ): Promise<{ task: TaskRecord; created: boolean }> {
    const db = this.#open;
    const published = await db.write(() => {
      const no = readHead(db, provisional)?.no;
      return { no, ...publishTask(db, provisional, final, now) };
    });
    if (published.no !== undefined) this.#ingests.delete(published.no);
    if (!published.created) this.#startSweep(db);
    return { task: published.task, created: published.created };
  }

  async readTask(id: string): Promise<TaskRecord | null> {
    const db = this.#open;
    return db.read(() => readTask(db, id));
  }

  async listTasks(query: TaskQuery): Promise<Page<TaskRecord>> {
    const db = this.#open;
    return db.read(() => listTasks(db, query));
  }

  async transitionTask(
    id: string,
    from: readonly StoredTaskStatus[],
    patch: TaskPatch,
    now: number,
  ): Promise<TaskRecord | null> {
    const db = this.#open;
    return db.write(() => transitionTask(db, id, from, patch, now));
  }

  async deleteTask(id: string): Promise<boolean> {
    const db = this.#open;
    const no = await db.write(() => {
      const head = readHead(db, id);
      if (head !== null) hideTask(db, head.no);
      return head?.no;
    });
    if (no === undefined) return false;
    this.#ingests.delete(no);
    await this.#startSweep(db);
    return true;
  }

  // Rows of deleted tasks go in the background; one sweep at a time is enough, it ends when nothing is left.
  #startSweep(db: Database): Promise<void> {
    this.#sweeping = this.#sweeping
      .then(() => sweep(db))
      .catch(() => {
        // The tasks are gone for everybody; the rows wait for the next sweep (after a full disk, say, or a close).
      });
    return this.#sweeping;
  }

  // --- jobs ---

  async insertJobs(
    taskId: string,
    jobs: readonly NewJob[],
    context: { now: number; last: boolean; no?: number | undefined },
  ): Promise<InsertResult> {
    const db = this.#open;
    const { no } = await db.read(() => readHeadOrThrow(db, taskId, context.no));
    const ingest = this.#ingests.get(no) ?? new Ingest(no);
    this.#ingests.set(no, ingest);
    await ingest.load(db);
    const result = await ingest.insert(db, taskId, jobs, context);
    if (context.last) this.#ingests.delete(no);
    return result;
  }

  async exchange(taskId: string, batch: Exchange): Promise<ExchangeResult> {
    const db = this.#open;
    this.#verify(batch.now);
    return db.write(() => exchange(db, taskId, batch));
  }

  #verify(now: number): void {
    if (Math.abs(now - this.#verifiedAt) < VERIFY_INTERVAL) return;
    this.#options.verify?.();
    this.#verifiedAt = now;
  }

  async resetFailed(
    taskId: string,
    limit: number,
    now: number,
    seqs?: readonly number[],
  ): Promise<{ reset: number; counts: JobCounts }> {
    const db = this.#open;
    return db.write(() => {
      const head = readHead(db, taskId);
      return head === null ? { reset: 0, counts: NO_JOBS } : resetFailed(db, head, limit, now, seqs);
    });
  }

  async readJobs(taskId: string, query: JobQuery): Promise<Page<JobRecord>> {
    return readJobs(this.#open, taskId, query);
  }

  // --- leases ---

  async renewLeases(owner: string, leaseUntil: number): Promise<void> {
    const db = this.#open;
    await db.write(() => renewLeases(db, owner, leaseUntil));
  }

  async listOwners(taskId: string): Promise<OwnerRecord[]> {
    const db = this.#open;
    return db.read(() => {
      const head = readHead(db, taskId);
      return head === null ? [] : listOwners(db, head.no);
    });
  }

  /** Places of the jobs that an owner holds in a task; null when it has no lease there. */
  async listHeld(taskId: string, owner: string): Promise<number[] | null> {
    const db = this.#open;
    return db.read(() => {
      const head = readHead(db, taskId);
      const lease = head && readOwners(db, head.no).find((row) => row.id === owner);
      return head && lease ? listHeld(db, head.no, lease) : null;
    });
  }

  async releaseJobs(
    taskId: string,
    { owner, crashed }: { owner: string; crashed: boolean },
    now: number,
  ): Promise<number> {
    const db = this.#open;
    return db.write(() => {
      const head = readHead(db, taskId);
      const lease = head && readOwners(db, head.no).find((row) => row.id === owner);
      if (!head || !lease) return 0;
      const released = endLease(db, head, lease, crashed, now);
      if (released > 0) writeProgress(db, head.no, head);
      return released;
    });
  }

  async exportDatabase(): Promise<Uint8Array> {
    const db = this.#open;
    return db.outside(() => db.serialize());
  }
}
