// Putting failed jobs back, a bounded number per call.
import type { JobCounts } from '@taskhub/core';
import { bySize, inPieces, repeat } from './by-size.js';
import type { Database } from './database.js';
import { firstId, lastId } from './schema.js';
import { countsOf, type HeadRow, writeProgress } from './task-rows.js';

// `error IS NOT NULL` must stand in both, else the partial index is not used and every result is read.
const FAILED = 'FROM result WHERE id > ? AND id <= ? AND error IS NOT NULL';
const LAST_FAILED = `SELECT max(id) AS id FROM (SELECT id ${FAILED} ORDER BY id LIMIT ?)`;
const moveToLive = (failed: string): string =>
  `INSERT INTO live SELECT id, ?, NULL, ?, 0, 0, 0, error ${failed}`;
const MOVE_TO_LIVE = moveToLive(FAILED);
const DELETE_FAILED = `DELETE ${FAILED}`;
const failedAt = (rows: number): string =>
  `FROM result WHERE id IN (${repeat('?', rows)}) AND error IS NOT NULL`;
const MOVE_THESE_TO_LIVE = bySize((rows) => moveToLive(failedAt(rows)));
const DELETE_THESE = bySize((rows) => `DELETE ${failedAt(rows)}`);

/** Most jobs of one transaction: scattered over a large file they cost 30 µs each. */
const SLICE = 1_000;

/** See `StorageAdapter.resetFailed`. Runs inside a transaction. */
export function resetFailed(
  db: Database,
  head: HeadRow,
  limit: number,
  now: number,
  seqs?: readonly number[],
): { reset: number; counts: JobCounts } {
  const reset = seqs === undefined ? resetFirst(db, head, limit, now) : resetThese(db, head, seqs, now);
  if (reset > 0) {
    head.failed -= reset;
    head.waiting += reset;
    writeProgress(db, head.no, head);
  }
  return { reset, counts: countsOf(head) };
}

function resetFirst(db: Database, head: HeadRow, limit: number, now: number): number {
  const first = firstId(head.no);
  const rows = Math.min(limit, SLICE);
  const last = db.sql<{ id: number | null }>(LAST_FAILED).get(first, lastId(head.no), rows)?.id ?? null;
  if (last === null) return 0;
  db.sql(MOVE_TO_LIVE).run(head.no, now, first, last);
  return Number(db.sql(DELETE_FAILED).run(first, last).changes);
}

function resetThese(db: Database, head: HeadRow, seqs: readonly number[], now: number): number {
  let reset = 0;
  for (const piece of inPieces(seqs)) {
    const ids = piece.map((seq) => firstId(head.no) + seq);
    db.sql(MOVE_THESE_TO_LIVE(ids.length)).run(head.no, now, ...ids);
    reset += Number(db.sql(DELETE_THESE(ids.length)).run(...ids).changes);
  }
  return reset;
}
