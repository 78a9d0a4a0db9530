// All jobs of a task, page by page, in as many calls as their texts need: a page of large ones holds few.
import type { JobQuery, JobRecord, Page } from './storage/contract.js';

/** Most jobs of a page. */
const JOBS = 1000;
/** Characters of inputs, results and errors that a page is to hold, as far as the page before tells. */
const CHARS = 1 << 22;
/** Most that a page is larger than the one before: the jobs that come may be larger than those that were. */
const GROWTH = 8;

/**
 * Reads pages until there are no more. The first is one job; what is held at a time is about 4 million characters, or
 * two jobs if those are larger.
 *
 * @param most - jobs of a page @default 1000, which is also the most
 */
export async function* readPages(
  read: (query: JobQuery) => Promise<Page<JobRecord>>,
  { status, after = 0 }: Pick<JobQuery, 'status' | 'after'>,
  most: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<JobRecord[], void> {
  let limit = Math.min(1, most);
  for (let cursor: number | null = after; cursor !== null; ) {
    const query: JobQuery = { after: cursor, limit, ...(status !== undefined && { status }) };
    const page: Page<JobRecord> = await read(query);
    yield page.rows;
    cursor = page.next;
    const chars = page.rows.reduce((sum, row) => sum + charsOf(row), 0);
    const fitting = Math.max(1, Math.floor((CHARS * page.rows.length) / (chars + 1)));
    limit = Math.min(most, JOBS, limit * GROWTH, fitting);
  }
}

function charsOf({ input, output, error }: JobRecord): number {
  return input.length + (output?.length ?? 0) + (error?.length ?? 0);
}
