// The contract over one IndexedDB database. Each method is one transaction; what it does there stands in the file of
// its name.
import {
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
  type StorageAdapter,
  type StoredTaskStatus,
  TaskHubError,
  type TaskPatch,
  type TaskQuery,
  type TaskRecord,
  type Turns,
  webLockLiveness,
  webLockTurns,
} from '@taskhub/core';
import { closedError, type Database, type Durability } from './database.js';
import { exchange } from './exchange.js';
import { resetFailed } from './failed-jobs.js';
import { Ingest } from './ingest.js';
import { openDatabase } from './open-database.js';
import { endLease, listOwners, readOwners, renewLeases } from './owners.js';
import { readJobs } from './read-jobs.js';
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
} from './task-rows.js';

/** Options of {@link IndexedDBAdapter}. */
export interface IndexedDBOptions {
  /**
   * `relaxed`: what is recorded survives the end of the tab and of the browser. `strict`: and power loss; every commit
   * waits for the disk then. @default 'relaxed'
   */
  durability?: Durability | undefined;
}

/**
 * Stores tasks in IndexedDB, in pages and workers.
 *
 * `open` (the hub calls it) creates the database. Several tabs may use it at once. A database that is not one of
 * TaskHub, or of a newer version, is refused and left as it is.
 *
 * @example
 * const hub = new Hub(new IndexedDBAdapter());
 */
export class IndexedDBAdapter implements StorageAdapter {
  readonly name = 'indexeddb';
  readonly capabilities: StorageAdapter['capabilities'] = { persistent: true, shared: true };
  readonly liveness: Liveness = webLockLiveness;
  readonly turns: Turns;
  readonly #database: string;
  readonly #durability: Durability;
  readonly #ingests = new Map<number, Ingest>();
  #opening: Promise<void> | undefined;
  #db: Database | undefined;
  #sweeping: Promise<void> = Promise.resolve();

  /**
   * @param name - of the database, among those of this origin
   * @param options - how durable
   * @throws TaskHubError INVALID_CONFIG when an option has a value that is not allowed
   */
  constructor(name = 'taskhub', options: IndexedDBOptions = {}) {
    const { durability = 'relaxed' } = options;
    if (durability !== 'relaxed' && durability !== 'strict') {
      throw new TaskHubError(
        'INVALID_CONFIG',
        `durability is ${JSON.stringify(durability)}; allowed: relaxed, strict.`,
        { details: { option: 'durability', value: durability, allowed: ['relaxed', 'strict'] } },
      );
    }
    this.#database = name;
    this.turns = webLockTurns(`indexeddb:${name}`);
    this.#durability = durability;
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

  async #connect(): Promise<void> {
    const db = await openDatabase(this.#database, this.#durability);
    this.#db = db;
    this.#startSweep(db);
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    if (opening === undefined) return;
    this.#opening = undefined;
    this.#ingests.clear();
    // One that failed to open has nothing to close, and its caller was told.
    await opening.catch(() => undefined);
    this.#db?.close();
    this.#db = undefined;
    await this.#sweeping;
  }

  get #open(): Database {
    if (this.#db === undefined) throw closedError(this.#database);
    return this.#db;
  }

  // --- tasks ---

  async insertTask(task: NewTask): Promise<{ task: TaskRecord; created: boolean }> {
    return this.#open.write((tx) => insertTask(tx, task));
  }

  async publishTask(
    provisional: string,
    final: { id: string; root: string; duplicates: number },
    now: number,
  ): Promise<{ task: TaskRecord; created: boolean }> {
    const db = this.#open;
    const published = await db.write(async (tx) => {
      const no = (await readHead(tx, provisional))?.task.no;
      return { no, ...(await publishTask(tx, provisional, final, now)) };
    });
    if (published.no !== undefined) this.#ingests.delete(published.no);
    if (!published.created) this.#startSweep(db);
    return { task: published.task, created: published.created };
  }

  async readTask(id: string): Promise<TaskRecord | null> {
    return this.#open.read((tx) => readTask(tx, id));
  }

  async listTasks(query: TaskQuery): Promise<Page<TaskRecord>> {
    return this.#open.read((tx) => listTasks(tx, query));
  }

  async transitionTask(
    id: string,
    from: readonly StoredTaskStatus[],
    patch: TaskPatch,
    now: number,
  ): Promise<TaskRecord | null> {
    return this.#open.write((tx) => transitionTask(tx, id, from, patch, now));
  }

  async deleteTask(id: string): Promise<boolean> {
    const db = this.#open;
    const no = await db.write(async (tx) => {
      const head = await readHead(tx, id);
      if (head !== null) hideTask(tx, head.task.no);
      return head?.task.no;
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
        // The tasks are gone for everybody; the rows wait for the next sweep (after a full quota, say, or a close).
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
    // Read to the end before anything is written: what throws here leaves the task as it was.
    const batch = jobs.map(({ seq, hash, key, input }) => ({ seq, hash, key, input }));
    const { task } = await db.read((tx) => readHeadOrThrow(tx, taskId, context.no));
    const ingest = this.#ingests.get(task.no) ?? new Ingest(task.no);
    this.#ingests.set(task.no, ingest);
    await ingest.load(db);
    const result = await ingest.insert(db, taskId, batch, context);
    if (context.last) this.#ingests.delete(task.no);
    return result;
  }

  async exchange(taskId: string, batch: Exchange): Promise<ExchangeResult> {
    return this.#open.write((tx) => exchange(tx, taskId, batch));
  }

  async resetFailed(
    taskId: string,
    limit: number,
    now: number,
    seqs?: readonly number[],
  ): Promise<{ reset: number; counts: JobCounts }> {
    return this.#open.write(async (tx) => {
      const head = await readHead(tx, taskId);
      return head === null ? { reset: 0, counts: NO_JOBS } : resetFailed(tx, head, limit, now, seqs);
    });
  }

  async readJobs(taskId: string, query: JobQuery): Promise<Page<JobRecord>> {
    return readJobs(this.#open, taskId, query);
  }

  // --- leases ---

  async renewLeases(owner: string, leaseUntil: number): Promise<void> {
    await this.#open.write((tx) => renewLeases(tx, owner, leaseUntil));
  }

  async listOwners(taskId: string): Promise<OwnerRecord[]> {
    return this.#open.read(async (tx) => {
      const head = await readHead(tx, taskId);
      return head === null ? [] : listOwners(tx, head.task.no);
    });
  }

  async releaseJobs(
    taskId: string,
    { owner, crashed }: { owner: string; crashed: boolean },
    now: number,
  ): Promise<number> {
    return this.#open.write(async (tx) => {
      const head = await readHead(tx, taskId);
      if (head === null) return 0;
      const { task, progress } = head;
      const lease = (await readOwners(tx, task.no)).find((row) => row.id === owner);
      if (lease === undefined) return 0;
      const released = await endLease(tx, progress, lease, crashed, now);
      if (released > 0) tx.put('progress', progress);
      return released;
    });
  }
}
