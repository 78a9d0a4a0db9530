// Jobs lie in blocks, in order of seq: written once by the call that inserts them, never changed.
import { type JobRow, MAX_SEQ, places } from './schema.js';
import type { Transaction } from './transaction.js';

/** Most jobs of a block. With 32 or 128 the rate of claims was the same within the noise. */
export const BLOCK_ROWS = 64;
/** A block is closed when its texts pass this many characters: who needs one of its jobs reads all of them. */
const BLOCK_TEXT = 2 ** 15;

/** Writes new jobs, which are in order of seq and come after all that are there. */
export function writeJobs(tx: Transaction, task: number, jobs: readonly JobRow[]): void {
  let block: JobRow[] = [];
  let text = 0;
  const end = (): void => {
    const last = block.at(-1);
    if (last !== undefined) tx.put('job', block, [task, last.seq]);
    block = [];
    text = 0;
  };
  for (const job of jobs) {
    block.push(job);
    text += job.input.length;
    if (block.length === BLOCK_ROWS || text >= BLOCK_TEXT) end();
  }
  end();
}

/** Up to `limit` jobs after a place, in order of seq. */
export async function readJobsAfter(
  tx: Transaction,
  task: number,
  after: number,
  limit: number,
): Promise<JobRow[]> {
  const rows: JobRow[] = [];
  let from = after + 1;
  // Blocks may be small (a slow stream writes one for each job): ask for more each time.
  for (let blocks = Math.ceil(limit / BLOCK_ROWS) + 1; from <= MAX_SEQ; blocks *= 2) {
    const found = await tx.getAll('job', places(task, from), blocks);
    for (const block of found) for (const job of block) if (job.seq > after) rows.push(job);
    if (found.length < blocks || rows.length >= limit) break;
    from = (found.at(-1)?.at(-1)?.seq ?? MAX_SEQ) + 1;
  }
  return rows.length > limit ? rows.slice(0, limit) : rows;
}

/** The jobs at these places, by place. */
export async function readJobsAt(
  tx: Transaction,
  task: number,
  seqs: readonly number[],
): Promise<Map<number, JobRow>> {
  const found = new Map<number, JobRow>();
  let missing = [...seqs].sort((a, b) => a - b);
  while (missing.length > 0) {
    // Neighbours are probably in the same block, which is to be read once.
    const asked: number[] = [];
    for (const seq of missing) if (seq >= (asked.at(-1) ?? -BLOCK_ROWS) + BLOCK_ROWS) asked.push(seq);
    const blocks = await Promise.all(asked.map((seq) => tx.getAll('job', places(task, seq), 1)));
    for (const block of blocks.flat(1)) for (const job of block) found.set(job.seq, job);
    const known = new Set(asked);
    missing = missing.filter((seq) => !found.has(seq) && !known.has(seq));
  }
  return found;
}
