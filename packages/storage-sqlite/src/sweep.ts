// Removing the rows of deleted tasks, a slice per transaction with a turn of the event loop in between.
import type { Database } from './database.js';
import { firstId, lastId } from './schema.js';

const NEXT_DELETED = 'SELECT no FROM deleted_task ORDER BY no LIMIT 1';
const FORGET = 'DELETE FROM deleted_task WHERE no = ?';
// From the end: pages that become free are then hardly written to the log (9 instead of 180 for 5,000 rows).
const DELETE_SLICES = ['live', 'result', 'job'].map(
  (table) => `DELETE FROM ${table} WHERE id IN
  (SELECT id FROM ${table} WHERE id > ? AND id <= ? ORDER BY id DESC LIMIT ?)`,
);

/** Rows per transaction: about 6 ms. */
const SLICE = 10_000;

/**
 * Removes what `hideTask` left, of every deleted task. It is stored which those are, so a sweep that ended half way,
 * with its process or with `close()`, is finished by the next one.
 */
export async function sweep(db: Database): Promise<void> {
  while (!db.closed && (await db.write(() => sweepSlice(db)))) await db.turn();
}

/** Removes up to a slice of rows; false when there was nothing left to do. */
function sweepSlice(db: Database): boolean {
  const no = db.sql<{ no: number }>(NEXT_DELETED).get()?.no;
  if (no === undefined) return false;
  const first = firstId(no);
  for (const deleteSlice of DELETE_SLICES) {
    if (Number(db.sql(deleteSlice).run(first, lastId(no), SLICE).changes) > 0) return true;
  }
  db.sql(FORGET).run(no);
  return true;
}
