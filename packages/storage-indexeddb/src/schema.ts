// The database schema: object stores, the rows in them, and the numbered steps that lead there. A released step is
// never edited.
//
// What costs in IndexedDB is the request, hardly the size of its value. So what is written together and never changed
// lies together: jobs in blocks, results in pieces, the jobs in hand in the row of their owner. An exchange of a
// hundred jobs is about ten requests instead of four hundred.
import type { StoredTaskStatus } from '@taskhub/core';
import type { DBSchema, IDBPDatabase } from 'idb';

/** A task: cold, written on create and on a change of state. */
export interface TaskRow {
  /** Given by the store in ascending order, never twice; first part of the keys of everything else. */
  no: number;
  id: string;
  /** Merkle root, hex; null for dynamic tasks, which the index leaves out then. */
  root: string | null;
  name: string;
  status: StoredTaskStatus;
  options: string;
  reuseFrom: string | null;
  ingested: boolean;
  duplicates: number;
  createdAt: number;
  updatedAt: number;
}

/** The counters of a task: hot, one small row rewritten by every exchange. */
export interface ProgressRow {
  task: number;
  /** Place of the last job; above `total` where the source had repeats. */
  lastSeq: number;
  /** Every job up to this place was claimed once or came with a result. */
  cursor: number;
  total: number;
  active: number;
  waiting: number;
  completed: number;
  /** pending = total − active − completed − failed. */
  failed: number;
  /** Jobs whose result was copied: those behind the cursor are no fresh ones. */
  reused: number;
}

/** A job: written once, never changed. */
export interface JobRow {
  seq: number;
  hash: Uint8Array;
  key: string | null;
  input: string;
}

/** A job that was claimed before: it waits, or is held again. */
export interface LiveRow {
  task: number;
  seq: number;
  /** When it falls due; absent while an owner holds it, and the index leaves it out then. */
  dueAt?: number;
  attempts: number;
  throttles: number;
  crashes: number;
  error: string | null;
}

/** The end of a job. */
export interface SettledRow {
  seq: number;
  attempts: number;
  throttles: number;
  startedAt: number;
  endedAt: number;
  /** Its output, or the error of a failed one. */
  text: string | null;
}

/** A job in hand. */
export interface HeldJob {
  seq: number;
  claimedAt: number;
  /** Whether it was claimed before, and has a row in `live`. On its first attempt a job has none. */
  again: boolean;
}

/** Who works on a task, or ingests it, and which jobs it holds there. */
export interface OwnerRow {
  task: number;
  id: string;
  /** End of its lease. */
  until: number;
  held: HeldJob[];
}

/** The object stores. `[task, seq]` in a key: source order is key order, and a task is one range of keys. */
export interface Schema extends DBSchema {
  task: { key: number; value: TaskRow; indexes: { id: string; name: string; root: string } };
  progress: { key: number; value: ProgressRow };
  /** Blocks of jobs in order of seq; the key ends with the last seq of the block. */
  job: { key: [number, number]; value: JobRow[] };
  live: { key: [number, number]; value: LiveRow; indexes: { due: [number, number] } };
  /** Pieces of results in order of seq, none across the border of a window; the key ends with the first seq. */
  completed: { key: [number, number]; value: SettledRow[] };
  failed: { key: [number, number]; value: SettledRow[] };
  owner: { key: [number, string]; value: OwnerRow; indexes: { id: string } };
  /** Deleted tasks whose rows are still to be removed. */
  deleted: { key: number; value: number };
}

/** The name of an object store. */
export type StoreName = 'task' | 'progress' | 'job' | 'live' | 'completed' | 'failed' | 'owner' | 'deleted';

/** Every object store of the current version. */
export const STORES: readonly StoreName[] = [
  'task',
  'progress',
  'job',
  'live',
  'completed',
  'failed',
  'owner',
  'deleted',
];

function first(db: IDBPDatabase<Schema>): void {
  const task = db.createObjectStore('task', { keyPath: 'no', autoIncrement: true });
  task.createIndex('id', 'id', { unique: true });
  task.createIndex('name', 'name');
  task.createIndex('root', 'root');
  db.createObjectStore('progress', { keyPath: 'task' });
  db.createObjectStore('job');
  db.createObjectStore('live', { keyPath: ['task', 'seq'] }).createIndex('due', ['task', 'dueAt']);
  db.createObjectStore('completed');
  db.createObjectStore('failed');
  db.createObjectStore('owner', { keyPath: ['task', 'id'] }).createIndex('id', 'id');
  db.createObjectStore('deleted');
}

/** Step number n brings a database from version n to n + 1. */
export const MIGRATIONS: readonly ((db: IDBPDatabase<Schema>) => void)[] = [first];

/** The version that this code reads and writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;

/** Greatest place of a job in its task: what the index of hashes can hold. */
export const MAX_SEQ: number = 2 ** 32 - 1;

/** Keys of a task from a place on, up to its end or to another place, both included. */
export function places(task: number, from = 0, to: number = MAX_SEQ): IDBKeyRange {
  return IDBKeyRange.bound([task, from], [task, to]);
}

/** All keys `[task, …]`, whatever follows: an array sorts after numbers and texts. */
export function keysOf(task: number): IDBKeyRange {
  return IDBKeyRange.bound([task], [task, []]);
}
