// Pages of jobs, each status by the key range or partial index that holds it: the cost does not grow with the depth.
import type { JobQuery, JobRecord, Page } from '@taskhub/core';
import type { Database } from './database.js';
import { firstId, lastId } from './schema.js';
import type { HeadRow } from './task-rows.js';

/** A job joined with the row that says where it is. `settled` and `waiting` tell which row that was. */
interface JobRow {
  id: number;
  hash: Uint8Array;
  key: string | null;
  input: string;
  settled: number | null;
  live: number | null;
  owner: number | null;
  due_at: number | null;
  attempts: number | null;
  throttles: number | null;
  started_at: number | null;
  ended_at: number | null;
  output: string | null;
  error: string | null;
}

const FRESH_COLUMNS = `j.id, hash, key, input, NULL AS settled, NULL AS live, NULL AS owner, NULL AS due_at,
  0 AS attempts, 0 AS throttles, NULL AS started_at, NULL AS ended_at, NULL AS output, NULL AS error`;
const LIVE_COLUMNS = `j.id, hash, key, input, NULL AS settled, l.id AS live, owner, due_at, attempts, throttles,
  NULL AS started_at, NULL AS ended_at, NULL AS output, error`;
const RESULT_COLUMNS = `j.id, hash, key, input, r.id AS settled, NULL AS live, NULL AS owner, NULL AS due_at, attempts,
  throttles, started_at, ended_at, output, error`;
const ANY_COLUMNS = `j.id, hash, key, input, r.id AS settled, l.id AS live, owner, due_at,
  coalesce(r.attempts, l.attempts, 0) AS attempts, coalesce(r.throttles, l.throttles, 0) AS throttles,
  started_at, ended_at, output, coalesce(r.error, l.error) AS error`;

// CROSS JOIN keeps the order of the tables; the conditions stand as in the partial indexes, else those are not used.
const READ_ANY = `SELECT ${ANY_COLUMNS} FROM job j LEFT JOIN live l ON l.id = j.id LEFT JOIN result r ON r.id = j.id
  WHERE j.id > ? AND j.id <= ? ORDER BY j.id LIMIT ?`;
const READ_SETTLED = (error: 'IS NULL' | 'IS NOT NULL'): string =>
  `SELECT ${RESULT_COLUMNS} FROM result r CROSS JOIN job j ON j.id = r.id
  WHERE r.id > ? AND r.id <= ? AND r.error ${error} ORDER BY r.id LIMIT ?`;
const READ_LIVE = (owner: 'IS NULL' | 'IS NOT NULL'): string =>
  `SELECT ${LIVE_COLUMNS} FROM live l CROSS JOIN job j ON j.id = l.id
  WHERE l.id > ? AND l.id <= ? AND l.owner ${owner} ORDER BY l.id LIMIT ?`;
const READ_COMPLETED = READ_SETTLED('IS NULL');
const READ_FAILED = READ_SETTLED('IS NOT NULL');
const READ_ACTIVE = READ_LIVE('IS NOT NULL');
const READ_WAITING = READ_LIVE('IS NULL');
const READ_FRESH = `SELECT ${FRESH_COLUMNS} FROM job j WHERE j.id > ? AND j.id <= ? ORDER BY j.id LIMIT ?`;
const READ_FRESH_UNDONE = `SELECT ${FRESH_COLUMNS} FROM job j WHERE j.id > ? AND j.id <= ?
  AND NOT EXISTS (SELECT 1 FROM result WHERE result.id = j.id) ORDER BY j.id LIMIT ?`;

/** See `StorageAdapter.readJobs`. Runs inside a transaction. */
export function readJobs(db: Database, head: HeadRow, query: JobQuery): Page<JobRecord> {
  const base = firstId(head.no);
  const after = base + (query.after ?? 0);
  // One more than asked for tells whether there is a next page.
  const rows = readRows(db, head, query.status, after, query.limit + 1);
  const page = rows.slice(0, query.limit).map((row) => jobRecord(row, base));
  return { rows: page, next: rows.length > page.length ? (page.at(-1)?.seq ?? null) : null };
}

function readRows(
  db: Database,
  head: HeadRow,
  status: JobQuery['status'],
  after: number,
  limit: number,
): JobRow[] {
  const read = (text: string, from: number, rows: number): JobRow[] =>
    db.sql<JobRow>(text).all(from, lastId(head.no), rows);
  switch (status) {
    case undefined:
      return read(READ_ANY, after, limit);
    case 'completed':
      return head.completed > 0 ? read(READ_COMPLETED, after, limit) : [];
    case 'failed':
      return read(READ_FAILED, after, limit);
    case 'active':
      return head.active > 0 ? read(READ_ACTIVE, after, limit) : [];
    case 'pending': {
      // What waits was claimed before, so it lies before the cursor, and what is fresh behind it.
      const waiting = head.waiting > 0 ? read(READ_WAITING, after, limit) : [];
      const fresh = head.reused > 0 ? READ_FRESH_UNDONE : READ_FRESH;
      const cursor = Math.max(after, firstId(head.no) + head.cursor);
      return [...waiting, ...read(fresh, cursor, limit - waiting.length)];
    }
  }
}

function jobRecord(row: JobRow, base: number): JobRecord {
  const { id, hash, key, input, attempts, throttles, ended_at, output, error } = row;
  const waits = row.live !== null && row.owner === null;
  return {
    seq: id - base,
    hash,
    key,
    input,
    status: statusOf(row),
    attempts: attempts ?? 0,
    throttles: throttles ?? 0,
    startedAt: row.owner === null ? row.started_at : row.due_at,
    endedAt: ended_at,
    dueAt: waits ? row.due_at : null,
    output,
    error,
  };
}

function statusOf(row: JobRow): JobRecord['status'] {
  if (row.settled !== null) return row.error === null ? 'completed' : 'failed';
  return row.owner === null ? 'pending' : 'active';
}
