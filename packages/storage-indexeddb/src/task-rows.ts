// Tasks as rows: reading, listing, inserting, publishing, changing. All of it runs inside a transaction of the caller.
import {
  type JobCounts,
  type NewTask,
  type Page,
  type StoredTaskStatus,
  TaskHubError,
  type TaskPatch,
  type TaskQuery,
  type TaskRecord,
} from '@taskhub/core';
import { keysOf, type ProgressRow, type TaskRow } from './schema.js';
import type { Transaction } from './transaction.js';

/** What every call about jobs reads first. */
export interface Head {
  task: TaskRow;
  progress: ProgressRow;
}

/** A task and its counters, or null if there is none with this id, or another than the one meant. */
export async function readHead(tx: Transaction, id: string, no?: number | undefined): Promise<Head | null> {
  const head = await findHead(tx, id);
  return no === undefined || head?.task.no === no ? head : null;
}

async function findHead(tx: Transaction, id: string): Promise<Head | null> {
  // Both at once if the number is known from before; numbers are never used twice, but the id may have moved.
  const no = tx.numbers.get(id);
  if (no !== undefined) {
    const [task, progress] = await Promise.all([tx.get('task', no), tx.get('progress', no)]);
    if (task?.id === id && progress !== undefined) return { task, progress };
  }
  const task = await tx.getBy('task', 'id', IDBKeyRange.only(id));
  if (task === undefined) return null;
  tx.numbers.set(id, task.no);
  return { task, progress: await readProgress(tx, task.no) };
}

async function readProgress(tx: Transaction, no: number): Promise<ProgressRow> {
  const progress = await tx.get('progress', no);
  if (progress === undefined) throw new Error(`task ${no} has no counters`);
  return progress;
}

/** As {@link readHead}, for calls that cannot go on without the task. */
export async function readHeadOrThrow(tx: Transaction, id: string, no?: number | undefined): Promise<Head> {
  const head = await readHead(tx, id, no);
  if (head === null) throw taskDeleted(id);
  return head;
}

/** What a call gets whose task is gone. */
export function taskDeleted(id: string): TaskHubError {
  return new TaskHubError('TASK_DELETED', `Task "${id}" was deleted while it was in use. Create it again.`, {
    details: { taskId: id },
  });
}

/** The public form of counters. */
export function countsOf({ total, active, waiting, completed, failed }: ProgressRow): JobCounts {
  return { total, pending: total - active - completed - failed, waiting, active, completed, failed };
}

/** The public form of the counters of a task that is gone. */
export const NO_JOBS: JobCounts = { total: 0, pending: 0, waiting: 0, active: 0, completed: 0, failed: 0 };

function recordOf({ task, progress }: Head): TaskRecord {
  const { id, no, name, status, root, options, ingested, duplicates, createdAt, updatedAt } = task;
  return {
    id,
    no,
    name,
    status,
    root,
    options,
    ingested,
    lastSeq: progress.lastSeq,
    counts: countsOf(progress),
    duplicates,
    reused: progress.reused,
    createdAt,
    updatedAt,
  };
}

/** The task with this id, or null. */
export async function readTask(tx: Transaction, id: string): Promise<TaskRecord | null> {
  const head = await readHead(tx, id);
  return head === null ? null : recordOf(head);
}

/** Tasks, newest first; the cursor is the number of the last one given. */
export async function listTasks(
  tx: Transaction,
  { name, status, root, after, limit }: TaskQuery,
): Promise<Page<TaskRecord>> {
  const found: TaskRow[] = [];
  const visit = (task: TaskRow): boolean => {
    const isWanted =
      (after === undefined || task.no < after) &&
      (name === undefined || task.name === name) &&
      (root === undefined || task.root === root) &&
      (status === undefined ? task.status !== 'ingesting' : task.status === status);
    if (isWanted) found.push(task);
    return found.length <= limit;
  };
  if (root !== undefined) await tx.visitTasks('root', IDBKeyRange.only(root), after, visit);
  else if (name !== undefined) await tx.visitTasks('name', IDBKeyRange.only(name), after, visit);
  else {
    const range = after === undefined ? null : IDBKeyRange.upperBound(after, true);
    await tx.visitTasks(null, range, after, visit);
  }
  const page = found.slice(0, limit);
  const heads = page.map(async (task) => ({ task, progress: await readProgress(tx, task.no) }));
  return {
    rows: (await Promise.all(heads)).map(recordOf),
    next: found.length > limit ? (page.at(-1)?.no ?? null) : null,
  };
}

/** Adds a task, with its ingesting owner if it is `ingesting`; or gives the one that has the id. */
export async function insertTask(
  tx: Transaction,
  { id, name, status, options, reuseFrom, owner, leaseUntil, now }: NewTask,
): Promise<{ task: TaskRecord; created: boolean }> {
  const there = await readTask(tx, id);
  if (there !== null) return { task: there, created: false };
  const row = {
    id,
    root: null,
    name,
    status,
    options,
    reuseFrom,
    ingested: false,
    duplicates: 0,
    createdAt: now,
    updatedAt: now,
  };
  const no = await tx.add('task', row);
  const progress: ProgressRow = {
    task: no,
    lastSeq: 0,
    cursor: 0,
    total: 0,
    active: 0,
    waiting: 0,
    completed: 0,
    failed: 0,
    reused: 0,
  };
  tx.put('progress', progress);
  if (status === 'ingesting') tx.put('owner', { task: no, id: owner, until: leaseUntil, held: [] });
  return { task: recordOf({ task: { no, ...row }, progress }), created: true };
}

/** Gives an ingested task its final id, or deletes it if that id is taken. See `StorageAdapter.publishTask`. */
export async function publishTask(
  tx: Transaction,
  provisional: string,
  final: { id: string; root: string; duplicates: number },
  now: number,
): Promise<{ task: TaskRecord; created: boolean }> {
  const [mine, there] = await Promise.all([readHead(tx, provisional), readHead(tx, final.id)]);
  if (there !== null && there.task.no !== mine?.task.no) {
    if (mine !== null) hideTask(tx, mine.task.no);
    return { task: recordOf(there), created: false };
  }
  if (mine === null) throw taskDeleted(provisional);
  const task: TaskRow = { ...mine.task, ...final, status: 'idle', ingested: true, updatedAt: now };
  tx.put('task', task);
  tx.delete('owner', keysOf(task.no));
  return { task: recordOf({ task, progress: mine.progress }), created: true };
}

/** Writes `patch` if the status is one of `from`; else gives null. */
export async function transitionTask(
  tx: Transaction,
  id: string,
  from: readonly StoredTaskStatus[],
  patch: TaskPatch,
  now: number,
): Promise<TaskRecord | null> {
  const head = await readHead(tx, id);
  if (head === null || !from.includes(head.task.status)) return null;
  const { status, options, ingested, duplicates } = patch;
  const task: TaskRow = {
    ...head.task,
    status: status ?? head.task.status,
    options: options ?? head.task.options,
    ingested: ingested ?? head.task.ingested,
    duplicates: duplicates ?? head.task.duplicates,
    updatedAt: now,
  };
  tx.put('task', task);
  return recordOf({ task, progress: head.progress });
}

/** Removes a task for all readers, in one small transaction; the rows of its jobs are left to the sweep. */
export function hideTask(tx: Transaction, no: number): void {
  tx.delete('owner', keysOf(no));
  tx.delete('progress', no);
  tx.delete('task', no);
  tx.put('deleted', no, no);
}
