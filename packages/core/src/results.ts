// The jobs of a task in source order, a page at a time.
import type { JobReader } from './job-view.js';
import type { StorageAdapter } from './storage/contract.js';
import type { JobOf, JobStatus } from './types.js';

/** Rows per page where a caller did not ask for pages. */
const PAGE = 1000;

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

/** No row twice and none missed, also while the task runs. @param page - rows that are read at once */
export async function* readResults<TInput, TOutput, TStatus extends JobStatus>(
  { taskId, store, jobs, assertUsable }: ResultsHost,
  { status, after = -1 }: Pick<ResultsQuery<TStatus>, 'status' | 'after'>,
  page: number = PAGE,
): AsyncIterableIterator<JobOf<TInput, TOutput, TStatus>> {
  for (let cursor: number | null = after + 1; cursor !== null; ) {
    assertUsable();
    const query = {
      after: cursor,
      limit: page,
      ...(status !== undefined && { status: status as JobStatus }),
    };
    const { rows, next } = await store.readJobs(taskId, query);
    // The store gave rows of this status, and they hold what this task's handler takes and gives.
    for (const row of rows) yield jobs.view(row) as JobOf<TInput, TOutput, TStatus>;
    cursor = next;
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
  for await (const job of readResults<TInput, TOutput, TStatus>(host, rest, Math.min(PAGE, limit + offset))) {
    if (skip > 0) skip -= 1;
    else if (list.push(job) >= limit) break;
  }
  return list;
}
