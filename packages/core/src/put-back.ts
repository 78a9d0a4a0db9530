// Putting failed jobs back: all of them, or those that somebody chooses, a slice per transaction.
import type { JobReader } from './job-view.js';
import { readPages } from './pages.js';
import type { JobQuery, StorageAdapter } from './storage/contract.js';
import type { FailedJob } from './types.js';

/** Jobs per transaction: of all, and of chosen ones (see the contract). */
const SLICE = 10_000;
const CHOSEN_SLICE = 500;

/** Puts back up to `limit` failed jobs, or of them those at these places. @returns their number */
export type Reset = (limit: number, seqs?: readonly number[]) => Promise<number>;

/** Puts back all failed jobs. @returns their number */
export async function putBackAll(reset: Reset): Promise<number> {
  for (let sum = 0; ; ) {
    const count = await reset(SLICE);
    if (count === 0) return sum;
    sum += count;
  }
}

/** Puts back the failed jobs that `where` says. @returns their number */
export async function putBackWhere<TInput>(
  { taskId, store, jobs }: { taskId: string; store: StorageAdapter; jobs: JobReader },
  where: (job: FailedJob<TInput>) => boolean,
  reset: Reset,
): Promise<number> {
  let sum = 0;
  const read = (query: JobQuery) => store.readJobs(taskId, query);
  for await (const rows of readPages(read, { status: 'failed' }, CHOSEN_SLICE)) {
    // The store gave failed ones.
    const failed = rows.map((row) => jobs.view(row) as FailedJob<TInput>);
    const seqs = failed.filter((job) => where(job)).map((job) => job.index + 1);
    if (seqs.length > 0) sum += await reset(seqs.length, seqs);
  }
  return sum;
}
