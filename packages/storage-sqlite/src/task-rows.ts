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
import type { Database } from './database.js';
import type { SqliteValue } from './driver.js';
import { beginLease } from './owners.js';
import { MAX_TASK_NO } from './schema.js';

/** The counters of a task, as stored. */
export interface ProgressRow {
  last_seq: number;
  cursor: number;
  total: number;
  active: number;
  waiting: number;
  completed: number;
  failed: number;
  reused: number;
}

/** What every call about jobs reads first. */
export interface HeadRow extends ProgressRow {
  no: number;
  status: StoredTaskStatus;
}

interface TaskRow extends HeadRow {
  id: string;
  name: string;
  root: string | null;
  options: string;
  ingested: number;
  duplicates: number;
  created_at: number;
  updated_at: number;
}

const COUNTERS = 'last_seq, cursor, total, active, waiting, completed, failed, reused';
const READ_HEAD = `SELECT no, status, ${COUNTERS} FROM task JOIN progress ON task = no WHERE id = ?`;
const TASKS = `SELECT no, id, name, status, root, options, ingested, duplicates, created_at, updated_at, ${COUNTERS}
  FROM task JOIN progress ON task = no`;
const READ_TASK = `${TASKS} WHERE id = ?`;
const INSERT_TASK = `INSERT INTO task (id, name, status, options, reuse_from, ingested, duplicates, created_at, updated_at)
  VALUES (?, ?, ?, ?, ?, 0, 0, ?, ?)`;
const INSERT_PROGRESS = 'INSERT INTO progress VALUES (?, 0, 0, 0, 0, 0, 0, 0, 0)';
const WRITE_PROGRESS = `UPDATE progress SET last_seq = ?, cursor = ?, total = ?, active = ?, waiting = ?, completed = ?,
  failed = ?, reused = ? WHERE task = ?`;
const PUBLISH_TASK = `UPDATE task SET id = ?, root = ?, status = 'idle', ingested = 1, duplicates = ?, updated_at = ?
  WHERE no = ?`;
const PATCH_TASK = `UPDATE task SET status = coalesce(?, status), options = coalesce(?, options),
  ingested = coalesce(?, ingested), duplicates = coalesce(?, duplicates), updated_at = ? WHERE no = ?`;
const END_INGEST = 'UPDATE task SET ingested = 1, updated_at = ? WHERE no = ? AND ingested = 0';
const REUSE_FROM = 'SELECT reuse_from FROM task WHERE no = ?';
const DELETE_OWNERS = 'DELETE FROM owner WHERE task = ?';
const DELETE_PROGRESS = 'DELETE FROM progress WHERE task = ?';
const DELETE_TASK = 'DELETE FROM task WHERE no = ?';
const REMEMBER_DELETED = 'INSERT INTO deleted_task VALUES (?)';

/** The number, status and counters of a task, or null if there is none with this id, or another than the one meant. */
export function readHead(db: Database, id: string, no?: number | undefined): HeadRow | null {
  const head = db.sql<HeadRow>(READ_HEAD).get(id) ?? null;
  return no === undefined || head?.no === no ? head : null;
}

/** As {@link readHead}, for calls that cannot go on without the task. */
export function readHeadOrThrow(db: Database, id: string, no?: number | undefined): HeadRow {
  const head = readHead(db, id, no);
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
export function countsOf(row: ProgressRow): JobCounts {
  const { total, active, waiting, completed, failed } = row;
  return { total, pending: total - active - completed - failed, waiting, active, completed, failed };
}

/** The public form of the counters of a task that is gone. */
export const NO_JOBS: JobCounts = { total: 0, pending: 0, waiting: 0, active: 0, completed: 0, failed: 0 };

/** Writes the counters back. */
export function writeProgress(db: Database, task: number, row: ProgressRow): void {
  const { last_seq, cursor, total, active, waiting, completed, failed, reused } = row;
  db.sql(WRITE_PROGRESS).run(last_seq, cursor, total, active, waiting, completed, failed, reused, task);
}

/** The task with this id, or null. */
export function readTask(db: Database, id: string): TaskRecord | null {
  const row = db.sql<TaskRow>(READ_TASK).get(id);
  return row ? taskRecord(row) : null;
}

function taskRecord(row: TaskRow): TaskRecord {
  return {
    id: row.id,
    no: row.no,
    name: row.name,
    status: row.status,
    root: row.root,
    options: row.options,
    ingested: row.ingested === 1,
    lastSeq: row.last_seq,
    counts: countsOf(row),
    duplicates: row.duplicates,
    reused: row.reused,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Tasks, newest first; the cursor is the number of the last one given. */
export function listTasks(db: Database, query: TaskQuery): Page<TaskRecord> {
  const conditions: string[] = [];
  const values: SqliteValue[] = [];
  const where = (condition: string, value: SqliteValue | undefined): void => {
    if (value === undefined) return;
    conditions.push(condition);
    values.push(value);
  };
  where('status = ?', query.status);
  where('name = ?', query.name);
  where('root = ?', query.root);
  where('no < ?', query.after);
  if (query.status === undefined) conditions.push("status <> 'ingesting'");
  const all = `${TASKS}${conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : ''} ORDER BY no DESC LIMIT ?`;
  const rows = db.sql<TaskRow>(all).all(...values, query.limit + 1);
  const page = rows.slice(0, query.limit);
  return { rows: page.map(taskRecord), next: rows.length > page.length ? (page.at(-1)?.no ?? null) : null };
}

/** Adds a task, with its ingesting owner if it is `ingesting`; or gives the one that has the id. */
export function insertTask(db: Database, task: NewTask): { task: TaskRecord; created: boolean } {
  const there = readTask(db, task.id);
  if (there !== null) return { task: there, created: false };
  const { id, name, status, options, reuseFrom, now } = task;
  const no = Number(db.sql(INSERT_TASK).run(id, name, status, options, reuseFrom, now, now).lastInsertRowid);
  if (no > MAX_TASK_NO) throw outOfNumbers(db, `tasks: it has held ${MAX_TASK_NO}, deleted ones included`);
  db.sql(INSERT_PROGRESS).run(no);
  if (status === 'ingesting') beginLease(db, no, task.owner, task.leaseUntil);
  return { task: readTaskOrThrow(db, id), created: true };
}

/** What a call gets that would need a number which does not fit into the ids of jobs. */
export function outOfNumbers(db: Database, what: string): TaskHubError {
  return new TaskHubError(
    'STORAGE_FAILED',
    `"${db.path}" has no numbers left for ${what}. Use another file.`,
    {
      details: { path: db.path },
    },
  );
}

function readTaskOrThrow(db: Database, id: string): TaskRecord {
  const task = readTask(db, id);
  if (task === null) throw taskDeleted(id);
  return task;
}

/** Gives an ingested task its final id, or deletes it if that id is taken. See `StorageAdapter.publishTask`. */
export function publishTask(
  db: Database,
  provisional: string,
  final: { id: string; root: string; duplicates: number },
  now: number,
): { task: TaskRecord; created: boolean } {
  const mine = readHead(db, provisional);
  const there = readHead(db, final.id);
  if (there !== null && there.no !== mine?.no) {
    if (mine !== null) hideTask(db, mine.no);
    return { task: readTaskOrThrow(db, final.id), created: false };
  }
  if (mine === null) throw taskDeleted(provisional);
  db.sql(PUBLISH_TASK).run(final.id, final.root, final.duplicates, now, mine.no);
  db.sql(DELETE_OWNERS).run(mine.no);
  return { task: readTaskOrThrow(db, final.id), created: true };
}

/** Writes `patch` if the status is one of `from`; else gives null. */
export function transitionTask(
  db: Database,
  id: string,
  from: readonly StoredTaskStatus[],
  patch: TaskPatch,
  now: number,
): TaskRecord | null {
  const head = readHead(db, id);
  if (head === null || !from.includes(head.status)) return null;
  const { status = null, options = null, ingested, duplicates = null } = patch;
  db.sql(PATCH_TASK).run(
    status,
    options,
    ingested === undefined ? null : Number(ingested),
    duplicates,
    now,
    head.no,
  );
  return readTaskOrThrow(db, id);
}

/** Marks the source of a task as read to its end. */
export function endIngest(db: Database, no: number, now: number): void {
  db.sql(END_INGEST).run(now, no);
}

/** Id of the task whose results are copied to this one, or null. */
export function readReuseFrom(db: Database, no: number): string | null {
  return db.sql<{ reuse_from: string | null }>(REUSE_FROM).get(no)?.reuse_from ?? null;
}

/** Removes a task for all readers, in one small transaction; the rows of its jobs are left to the sweep. */
export function hideTask(db: Database, no: number): void {
  db.sql(DELETE_OWNERS).run(no);
  db.sql(DELETE_PROGRESS).run(no);
  db.sql(DELETE_TASK).run(no);
  db.sql(REMEMBER_DELETED).run(no);
}
