// Fresh jobs: those behind the cursor, but for those that came with a copied result.
import { readJobsAfter } from './job-blocks.js';
import type { JobRow, ProgressRow } from './schema.js';
import { readSettledBetween } from './settled-pieces.js';
import type { Transaction } from './transaction.js';

/** Jobs looked at in one go where some of them have a copied result. */
const STEP = 1_000;
/** Most jobs with copied results that one call passes over on its way to fresh ones: about 20 ms. */
const LONGEST_SKIP = 10_000;

/** Up to `limit` fresh jobs after a place, and up to where all were looked at. */
export async function readFresh(
  tx: Transaction,
  { task, lastSeq, reused }: ProgressRow,
  after: number,
  limit: number,
): Promise<{ rows: JobRow[]; end: number }> {
  if (reused === 0) {
    const rows = await readJobsAfter(tx, task, after, limit);
    return { rows, end: rows.length < limit ? lastSeq : (rows.at(-1)?.seq ?? lastSeq) };
  }
  const rows: JobRow[] = [];
  let end = after;
  for (let seen = 0; seen < LONGEST_SKIP && end < lastSeq; seen += STEP) {
    const found = await readJobsAfter(tx, task, end, STEP);
    const last = found.at(-1)?.seq ?? lastSeq;
    const done = await readSettledBetween(tx, task, 'completed', end + 1, last);
    const copied = new Set(done.map((row) => row.seq));
    for (const job of found) {
      if (copied.has(job.seq)) continue;
      rows.push(job);
      if (rows.length === limit) return { rows, end: job.seq };
    }
    end = found.length < STEP ? lastSeq : last;
  }
  return { rows, end };
}
