// The contract between the engine and a store, word by word. `docs/storage-contract.md` tells how to write one.
//
// Rules for every method: all or nothing; text that the engine gives (inputs, outputs, errors, options) is kept as it
// is and never interpreted; the store has no clock, `now` comes with the call. The engine has at most one `exchange`
// of a task in flight, but several processes may call at once, so each method is one transaction.
//
// Words: a job is *fresh* until it is first claimed, *waiting* when it was claimed before and is not held (backoff,
// refused, given back, reset), *active* while an owner holds it, and *completed* or *failed* once settled.
// Fresh and waiting jobs are together what users see as `pending`.
import type { Sha256 } from '../sha256.js';
import type { JobStatus, TaskStatus } from '../types.js';

/** `ingesting` is a deterministic task whose data is still being read: invisible unless asked for. */
export type StoredTaskStatus = TaskStatus | 'ingesting';

/** A task to insert. */
export interface NewTask {
  /** Final id, or a provisional one while `ingesting`. */
  id: string;
  name: string;
  status: 'ingesting' | 'idle';
  /** JSON text of the engine: type, version, options. */
  options: string;
  /** Id of a task whose completed results are copied to jobs of equal hash as they are inserted, or null. */
  reuseFrom: string | null;
  /** Who ingests, and until when it is known to live. Only recorded while `ingesting`. */
  owner: string;
  leaseUntil: number;
  now: number;
}

/** How many jobs of a task are where. `pending` includes `waiting`; total = pending + active + completed + failed. */
export interface JobCounts {
  total: number;
  pending: number;
  /** Of the pending ones, those that were claimed before: due at `scheduledAt`. The rest is fresh. */
  waiting: number;
  active: number;
  completed: number;
  failed: number;
}

/** A task as stored. */
export interface TaskRecord {
  id: string;
  /** Given by the store, never twice: a task that is deleted and made again under its id has another one. From 1. */
  no: number;
  name: string;
  status: StoredTaskStatus;
  /** Merkle root, hex; null for a dynamic task and while ingesting. */
  root: string | null;
  options: string;
  /** Whether the source has been read to its end. */
  ingested: boolean;
  /** Place of the last job: `seq` of the newest one, 0 if there is none. */
  lastSeq: number;
  counts: JobCounts;
  /** Inputs that became no job because they were there before. */
  duplicates: number;
  /** Jobs whose result was copied by `reuseFrom`. */
  reused: number;
  createdAt: number;
  updatedAt: number;
}

/** Fields that `transitionTask` may write. Absent = as it was. */
export interface TaskPatch {
  status?: TaskStatus;
  options?: string;
  ingested?: boolean;
  duplicates?: number;
}

/** A job to insert. */
export interface NewJob {
  /** Place in the source, from 1. The store gives the next free place instead when this one is taken or passed. */
  seq: number;
  /** 32 bytes: the job id itself if `key` is null, else SHA-256 of `key`. Unique in the task. */
  hash: Uint8Array;
  /** The id that `getJobId` gave, or null. */
  key: string | null;
  /** Text of the input. */
  input: string;
}

/** What became of a batch of new jobs. */
export interface InsertResult {
  inserted: number;
  /** Those whose hash the task had already, in the order of the batch; nothing was written for them. */
  duplicates: readonly {
    /** Position in the batch, from 0. */
    at: number;
    /** `seq` of the job that has the hash. */
    seq: number;
    /** Whether that job's input is the same text. */
    sameInput: boolean;
  }[];
  /** Of the inserted ones, those that were completed at once with a copied result. */
  reused: number;
  counts: JobCounts;
}

/** What happened to one held job. The `seq` must be held by the owner of the exchange, else it is reported `lost`. */
export type Settlement = {
  seq: number;
  /** ms since 1970. */
  startedAt: number;
  endedAt: number;
} & (
  | { outcome: 'completed'; output: string | null }
  /** `refused` attempts are counted in `throttles` too; an `unused` one is given back (a poisoned job). */
  | { outcome: 'failed'; error: string; attempt: 'spent' | 'refused' | 'unused' }
  | { outcome: 'retry'; error: string; dueAt: number }
  /** As retry, and counted in `throttles`. */
  | { outcome: 'throttled'; error: string; dueAt: number }
  /** Back to waiting, due at `dueAt`; the attempt is given back. */
  | { outcome: 'interrupted'; dueAt: number }
);

/** One call of the dispatcher: settle first, then claim, then read. */
export interface Claim {
  limit: number;
  leaseUntil: number;
  /**
   * ms that a job may have to wait. Once the first waiting job falls due later than so long after `now`, the clock has
   * been set back, and all of them are due. @default Infinity
   */
  longestWait?: number | undefined;
}

export interface Exchange {
  /** Holds the leases; a fence. */
  owner: string;
  /**
   * `no` of the task that is meant: another one that has the id by now is left alone, and the answer is that the task
   * is gone. Its places hold other jobs. Absent: whichever has the id.
   */
  no?: number | undefined;
  now: number;
  settle: readonly Settlement[];
  /** Claims up to `limit` jobs (which may be 0) and puts the end of the owner's lease at `leaseUntil`; null only settles. */
  claim: Claim | null;
}

/** A job that the caller now holds. */
export interface ClaimedJob {
  seq: number;
  hash: Uint8Array;
  key: string | null;
  input: string;
  /** With this one, from 1. */
  attempts: number;
  throttles: number;
  /** How often a process died while it held the job. */
  crashes: number;
  /** Text of the last error, or null. */
  error: string | null;
}

export interface ExchangeResult {
  /** Due waiting jobs first, in order of `dueAt`; then fresh ones in order of `seq`. */
  claimed: ClaimedJob[];
  /** `seq` of settled jobs that this owner no longer held; nothing was written for them. */
  lost: number[];
  /** After this batch; kept by the store in the same transaction, never counted. */
  counts: JobCounts;
  /** As stored: pause, stop and delete by another process arrive here. null = the task is gone, nothing was done. */
  status: StoredTaskStatus | null;
  /**
   * When a waiting job falls due or another owner's lease ends, whichever is first; null = neither.
   * May be in the past when jobs are due and the limit kept them from being claimed.
   */
  nextDueAt: number | null;
}

/** An owner that works on a task, or ingests it: from its first claim until it is released or taken over. */
export interface OwnerRecord {
  id: string;
  leaseUntil: number;
}

/** A job as stored. */
export interface JobRecord {
  seq: number;
  hash: Uint8Array;
  key: string | null;
  input: string;
  status: JobStatus;
  attempts: number;
  throttles: number;
  /** active: the claim; settled: start of the last attempt; else null. */
  startedAt: number | null;
  endedAt: number | null;
  /** waiting: when it falls due; else null. */
  dueAt: number | null;
  output: string | null;
  /** Text of the last error; null when there was none or the job completed. */
  error: string | null;
}

/** A page of rows and where the next one starts: pass `next` as `after`; null = there are no more. */
export interface Page<T> {
  rows: T[];
  next: number | null;
}

export interface TaskQuery {
  name?: string;
  /** Default: every status but `ingesting`. */
  status?: StoredTaskStatus;
  /** Hex. */
  root?: string;
  /** Cursor of the page before. */
  after?: number;
  limit: number;
}

export interface JobQuery {
  status?: JobStatus;
  /** Only jobs with a greater `seq`. */
  after?: number;
  limit: number;
}

/**
 * Tells whether owners live. A store offers it when it can know more than the lease says: a process on this machine
 * that is gone, a Web Lock that was released.
 */
export interface Liveness {
  /** Text that identifies this process (or tab), to be part of owner ids. The same for the life of the process. */
  identify(): string | Promise<string>;
  /** `true`: certainly gone. `false`: certainly alive. `undefined`: cannot be known here, the lease decides. */
  isGone(identity: string): boolean | undefined | Promise<boolean | undefined>;
}

/**
 * Lets one hub at a time run a task. A store in a browser offers it, so that tabs do not multiply the load on a service;
 * where there is none, processes that run the same task share its jobs.
 */
export interface Turns {
  /**
   * Stands in line for a task.
   *
   * @param granted - called when nobody before us runs it or waits for it; a holder that ended, however, is no more
   * @returns gives the turn back, or leaves the line; may be called again
   */
  take(taskId: string, granted: () => void): () => void;
}

/** A store. `MemoryAdapter` is the reference; the conformance suite of `@taskhub/core/testing` checks any other. */
export interface StorageAdapter {
  /** As in the option `storage` of `createTaskHub`. */
  readonly name: string;
  readonly capabilities: {
    /** The data is there after the process has ended. */
    persistent: boolean;
    /** Other processes may use the same data at the same time. */
    shared: boolean;
  };
  readonly liveness?: Liveness;
  readonly turns?: Turns;
  /** The native SHA-256 of the runtime, where it is quicker for short messages than one in JavaScript. */
  readonly sha256?: Sha256 | undefined;

  /** Opens or creates the store. Idempotent. */
  open(): Promise<void>;
  /** Ends all use of the store; its file is complete afterwards if nobody else has it open. Idempotent. */
  close(): Promise<void>;

  /** Adds a task, or gives the one that has the id (`created: false`, nothing written). */
  insertTask(task: NewTask): Promise<{ task: TaskRecord; created: boolean }>;
  /**
   * Makes an `ingesting` task `idle` under its final id, with its root and `ingested`. If a visible task has that id
   * already, the provisional one is deleted instead and that one given (`created: false`). The ingesting owner's
   * lease ends with it. A provisional task that is gone: gives the task of the final id, else throws TASK_DELETED.
   */
  publishTask(
    provisional: string,
    final: { id: string; root: string; duplicates: number },
    now: number,
  ): Promise<{ task: TaskRecord; created: boolean }>;
  /** The task with this id, an `ingesting` one too, or null. */
  readTask(id: string): Promise<TaskRecord | null>;
  /** Tasks, newest first. */
  listTasks(query: TaskQuery): Promise<Page<TaskRecord>>;
  /** Writes `patch` if the status is one of `from`, and gives the new record; else null and nothing is written. */
  transitionTask(
    id: string,
    from: readonly StoredTaskStatus[],
    patch: TaskPatch,
    now: number,
  ): Promise<TaskRecord | null>;
  /** Removes a task with its jobs. False if there was none. */
  deleteTask(id: string): Promise<boolean>;

  /**
   * Adds fresh jobs at the end of a task. A hash the task has already, from this batch or before (also by another
   * process), is reported and not written. `last` marks the source as read to its end, in the same transaction.
   * Throws TASK_DELETED when the task is gone, or, with `no`, when another one has its id by now.
   */
  insertJobs(
    taskId: string,
    jobs: readonly NewJob[],
    context: { now: number; last: boolean; no?: number | undefined },
  ): Promise<InsertResult>;

  /**
   * Settles jobs that the owner holds, gives waiting the jobs of other owners whose lease has passed (`crashes` + 1),
   * then moves up to `claim.limit` due and fresh jobs from pending to active, charging an attempt. A lease has passed
   * when its end is at or before `now`, a job is due likewise. A store may give fewer jobs than there are and
   * `nextDueAt` = `now`, which means: come again. The status of the task changes nothing here.
   */
  exchange(taskId: string, batch: Exchange): Promise<ExchangeResult>;
  /** Moves the end of all leases of an owner. An owner that lost them gets none back. */
  renewLeases(owner: string, leaseUntil: number): Promise<void>;
  /** Owners with a lease in this task, passed or not, also those that hold no job at the moment. */
  listOwners(taskId: string): Promise<OwnerRecord[]>;
  /**
   * Ends the lease of an owner in a task: what it held becomes waiting, due at `now`. `crashed` counts it as a death
   * (`crashes` + 1), else the attempts are given back. Gives the number of jobs.
   */
  releaseJobs(taskId: string, owner: { owner: string; crashed: boolean }, now: number): Promise<number>;
  /**
   * Makes up to `limit` failed jobs waiting, due at `now`, with attempts, throttles and crashes 0 and the error kept.
   * Gives the number of jobs and the counts; call again until 0 come back. With `seqs`, at most 500 of them, only those
   * jobs, all in one call.
   */
  resetFailed(
    taskId: string,
    limit: number,
    now: number,
    seqs?: readonly number[],
  ): Promise<{ reset: number; counts: JobCounts }>;
  /** Jobs in order of `seq`. */
  readJobs(taskId: string, query: JobQuery): Promise<Page<JobRecord>>;

  /** The whole database as the bytes of a SQLite file; only SQLite stores have it. */
  exportDatabase?(): Promise<Uint8Array>;
}
