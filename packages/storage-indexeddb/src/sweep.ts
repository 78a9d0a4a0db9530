// Removing the rows of deleted tasks, a slice per transaction.
import type { Database } from './database.js';
import { keysOf } from './schema.js';
import type { Transaction } from './transaction.js';

/** Rows per transaction: blocks of jobs, pieces of results. */
const SLICE = 500;

/**
 * Removes what `hideTask` left, of every deleted task. It is stored which those are, so a sweep that ended half way,
 * with its tab or with `close()`, is finished by the next one.
 */
export async function sweep(db: Database): Promise<void> {
  while (!db.closed && (await db.write(sweepSlice)));
}

/** Removes up to a slice of rows; false when there was nothing left to do. */
async function sweepSlice(tx: Transaction): Promise<boolean> {
  const [no] = await tx.getAllKeys('deleted', null, 1);
  if (no === undefined) return false;
  for (const store of ['live', 'completed', 'failed', 'job'] as const) {
    const keys = await tx.getAllKeys(store, keysOf(no), SLICE);
    if (keys.length === 0) continue;
    tx.delete(store, IDBKeyRange.bound(keys[0], keys.at(-1)));
    return true;
  }
  tx.delete('deleted', no);
  return true;
}
