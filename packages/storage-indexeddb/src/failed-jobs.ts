// Putting failed jobs back, a bounded number per call.
import type { JobCounts } from '@taskhub/core';
import type { SettledRow } from './schema.js';
import { readSettledAfter, writeSettled } from './settled-pieces.js';
import { countsOf, type Head } from './task-rows.js';
import type { Transaction } from './transaction.js';

/** Most jobs of one transaction: each becomes a row of its own. */
const SLICE = 500;

/** Makes up to `limit` failed jobs waiting, fewer if they are many. Runs inside a transaction. */
export async function resetFailed(
  tx: Transaction,
  { task, progress }: Head,
  limit: number,
  now: number,
): Promise<{ reset: number; counts: JobCounts }> {
  const { rows, pieces } = await readSettledAfter(tx, task.no, 'failed', 0, Math.min(limit, SLICE));
  const last = rows.at(-1)?.seq;
  if (last === undefined) return { reset: 0, counts: countsOf(progress) };
  const rest: SettledRow[] = [];
  for (const piece of pieces) {
    const first = piece[0]?.seq;
    if (first === undefined || first > last) continue;
    tx.delete('failed', [task.no, first]);
    rest.push(...piece.filter((row) => row.seq > last));
  }
  writeSettled(tx, task.no, 'failed', rest);
  for (const { seq, text } of rows) {
    tx.put('live', { task: task.no, seq, dueAt: now, attempts: 0, throttles: 0, crashes: 0, error: text });
  }
  progress.failed -= rows.length;
  progress.waiting += rows.length;
  tx.put('progress', progress);
  return { reset: rows.length, counts: countsOf(progress) };
}
