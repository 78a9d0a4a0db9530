// Putting failed jobs back, a bounded number per call.
import type { JobCounts } from '@taskhub/core';
import type { Database } from './database.js';
import { firstId, lastId } from './schema.js';
import { countsOf, type HeadRow, writeProgress } from './task-rows.js';

// `error IS NOT NULL` must stand in both, else the partial index is not used and every result is read.
const FAILED = 'FROM result WHERE id > ? AND id <= ? AND error IS NOT NULL';
const LAST_FAILED = `SELECT max(id) AS id FROM (SELECT id ${FAILED} ORDER BY id LIMIT ?)`;
const MOVE_TO_LIVE = `INSERT INTO live SELECT id, ?, NULL, ?, 0, 0, 0, error ${FAILED}`;
const DELETE_FAILED = `DELETE ${FAILED}`;

/** Most jobs of one transaction: scattered over a large file they cost 30 µs each. */
const SLICE = 1_000;

/** Makes up to `limit` failed jobs waiting, fewer if they are many. Runs inside a transaction. */
export function resetFailed(
  db: Database,
  head: HeadRow,
  limit: number,
  now: number,
): { reset: number; counts: JobCounts } {
  const first = firstId(head.no);
  const rows = Math.min(limit, SLICE);
  const last = db.sql<{ id: number | null }>(LAST_FAILED).get(first, lastId(head.no), rows)?.id ?? null;
  if (last === null) return { reset: 0, counts: countsOf(head) };
  db.sql(MOVE_TO_LIVE).run(head.no, now, first, last);
  const reset = Number(db.sql(DELETE_FAILED).run(first, last).changes);
  head.failed -= reset;
  head.waiting += reset;
  writeProgress(db, head.no, head);
  return { reset, counts: countsOf(head) };
}
