// Pages of jobs, each status by the key range or partial index that holds it: the cost does not grow with the depth.
import type { JobQuery, JobRecord, Page } from '@taskhub/core';
import type { Database } from './database.js';
import { firstId, lastId } from './schema.js';
import { type HeadRow, readHead } from './task-rows.js';

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

/** Most jobs with copied results that one look passes over on its way to fresh ones: about 10 ms. */
const LONGEST_SKIP = 20_000;

/** See `StorageAdapter.readJobs`. */
export async function readJobs(db: Database, taskId: string, query: JobQuery): Promise<Page<JobRecord>> {
  let rows: JobRecord[] = [];
  let after = query.after ?? 0;
  for (;;) {
    const limit = query.limit - rows.length;
    const part = await db.read(() => readPart(db, readHead(db, taskId), { ...query, after, limit }));
    rows = rows.length === 0 ? part.rows : rows.concat(part.rows);
    if (part.next === null || rows.length === query.limit) return { rows, next: part.next };
    after = part.next;
    await db.turn();
  }
}

/** A page, or the beginning of one that took long to find. */
function readPart(
  db: Database,
  head: HeadRow | null,
  { status, after, limit }: JobQuery & { after: number },
): Page<JobRecord> {
  if (head === null) return { rows: [], next: null };
  const base = firstId(head.no);
  // One more than asked for tells whether there is a next page.
  const { rows, end } = readRows(db, head, status, after, limit + 1);
  const page = rows.slice(0, limit).map((row) => jobRecord(row, base));
  return { rows: page, next: rows.length > limit ? (page.at(-1)?.seq ?? after) : end };
}

interface Rows {
  rows: JobRow[];
  /** Where to go on if there are too few; null = there are no more. */
  end: number | null;
}

function readRows(
  db: Database,
  head: HeadRow,
  status: JobQuery['status'],
  after: number,
  limit: number,
): Rows {
  const read = (text: string): Rows => ({
    rows: db.sql<JobRow>(text).all(firstId(head.no) + after, lastId(head.no), limit),
    end: null,
  });
  switch (status) {
    case undefined:
      return read(READ_ANY);
    case 'completed':
      return read(READ_COMPLETED);
    case 'failed':
      return read(READ_FAILED);
    case 'active':
      return head.active > 0 ? read(READ_ACTIVE) : { rows: [], end: null };
    case 'pending': {
      // What waits was claimed before, so it lies before the cursor, and what is fresh behind it.
      const waiting = head.waiting > 0 ? read(READ_WAITING).rows : [];
      const fresh = readFresh(db, head, Math.max(after, head.cursor), limit - waiting.length);
      return { rows: [...waiting, ...fresh.rows], end: fresh.end };
    }
  }
}

function readFresh(db: Database, head: HeadRow, after: number, limit: number): Rows {
  const base = firstId(head.no);
  const copied = head.reused > 0;
  const end = copied ? Math.min(head.last_seq, after + LONGEST_SKIP) : head.last_seq;
  const rows = db.sql<JobRow>(copied ? READ_FRESH_UNDONE : READ_FRESH).all(base + after, base + end, limit);
  return { rows, end: end < head.last_seq ? end : null };
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
