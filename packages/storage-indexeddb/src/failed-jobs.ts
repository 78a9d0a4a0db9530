// Putting failed jobs back, a bounded number per call.
import type { JobCounts } from '@taskhub/core';
import type { SettledRow } from './schema.js';
import { readSettledAfter, readWindowsOf, writeSettled } from './settled-pieces.js';
import { countsOf, type Head } from './task-rows.js';
import type { Transaction } from './transaction.js';

/** Most jobs of one transaction: each becomes a row of its own. */
const SLICE = 500;

/** See `StorageAdapter.resetFailed`. Runs inside a transaction. */
export async function resetFailed(
  tx: Transaction,
  { task, progress }: Head,
  limit: number,
  now: number,
  seqs?: readonly number[],
): Promise<{ reset: number; counts: JobCounts }> {
  const { rows, pieces } =
    seqs === undefined
      ? await readSettledAfter(tx, task.no, 'failed', 0, Math.min(limit, SLICE))
      : await readWindowsOf(tx, task.no, 'failed', seqs);
  if (rows.length === 0) return { reset: 0, counts: countsOf(progress) };
  const chosen = new Set(rows.map((row) => row.seq));
  const rest: SettledRow[] = [];
  for (const piece of pieces) {
    const first = piece[0]?.seq;
    if (first === undefined || !piece.some((row) => chosen.has(row.seq))) continue;
    tx.delete('failed', [task.no, first]);
    rest.push(...piece.filter((row) => !chosen.has(row.seq)));
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
