// The jobs of a task in source order, a page at a time.
import type { JobReader } from './job-view.js';
import { readPages } from './pages.js';
import type { JobQuery, StorageAdapter } from './storage/contract.js';
import type { JobOf, JobStatus } from './types.js';

/** Which jobs `getResults` gives. */
export interface ResultsQuery<TStatus extends JobStatus = JobStatus> {
  /** Only jobs of this status. */
  status?: TStatus | undefined;
  /** At most so many; Infinity for all. @default Infinity */
  limit?: number | undefined;
  /** Leaves out the first so many; they are read all the same, so use `after` for pages. @default 0 */
  offset?: number | undefined;
  /** Only jobs behind the one with this `index`. */
  after?: number | undefined;
}

/** Where jobs are read. */
export interface ResultsHost {
  taskId: string;
  store: StorageAdapter;
  jobs: JobReader;
  /** Called before each page. @throws TaskHubError HUB_CLOSED, TASK_DELETED */
  assertUsable(): void;
}

/** No row twice and none missed, also while the task runs. @param most - jobs of a page */
export async function* readResults<TInput, TOutput, TStatus extends JobStatus>(
  { taskId, store, jobs, assertUsable }: ResultsHost,
  { status, after = -1 }: Pick<ResultsQuery<TStatus>, 'status' | 'after'>,
  most?: number,
): AsyncIterableIterator<JobOf<TInput, TOutput, TStatus>> {
  const read = (query: JobQuery) => {
    assertUsable();
    return store.readJobs(taskId, query);
  };
  const query = { after: after + 1, ...(status !== undefined && { status: status as JobStatus }) };
  for await (const rows of readPages(read, query, most)) {
    // The store gave rows of this status, and they hold what this task's handler takes and gives.
    for (const row of rows) yield jobs.view(row) as JobOf<TInput, TOutput, TStatus>;
  }
}

/** The same as a list. */
export async function listResults<TInput, TOutput, TStatus extends JobStatus>(
  host: ResultsHost,
  { limit = Number.POSITIVE_INFINITY, offset = 0, ...rest }: ResultsQuery<TStatus>,
): Promise<JobOf<TInput, TOutput, TStatus>[]> {
  const list: JobOf<TInput, TOutput, TStatus>[] = [];
  if (limit <= 0) return list;
  let skip = offset;
  for await (const job of readResults<TInput, TOutput, TStatus>(host, rest, limit + offset)) {
    if (skip > 0) skip -= 1;
    else if (list.push(job) >= limit) break;
  }
  return list;
}
