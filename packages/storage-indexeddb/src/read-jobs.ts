// Pages of jobs, each status by the keys that hold it: the cost does not grow with the depth.
import type { JobQuery, JobRecord, Page } from '@taskhub/core';
import type { Database } from './database.js';
import { readFresh } from './fresh-jobs.js';
import { readJobsAfter, readJobsAt } from './job-blocks.js';
import { readOwners } from './owners.js';
import {
  type HeldJob,
  type JobRow,
  type LiveRow,
  type ProgressRow,
  places,
  type SettledRow,
} from './schema.js';
import { type Ending, readSettledAfter, readSettledBetween } from './settled-pieces.js';
import { readHead } from './task-rows.js';
import type { Transaction } from './transaction.js';

/** See `StorageAdapter.readJobs`. */
export async function readJobs(db: Database, taskId: string, query: JobQuery): Promise<Page<JobRecord>> {
  let rows: JobRecord[] = [];
  let after = query.after ?? 0;
  for (;;) {
    const limit = query.limit - rows.length;
    const part = await db.read(async (tx) => {
      const head = await readHead(tx, taskId);
      return head === null
        ? { rows: [], next: null }
        : readPart(tx, head.progress, { ...query, after, limit });
    });
    rows = rows.length === 0 ? part.rows : rows.concat(part.rows);
    if (part.next === null || rows.length === query.limit) return { rows, next: part.next };
    after = part.next;
  }
}

type Part = Required<Pick<JobQuery, 'limit' | 'after'>> & Pick<JobQuery, 'status'>;

/** A page, or the beginning of one that took long to find. */
async function readPart(
  tx: Transaction,
  progress: ProgressRow,
  { status, after, limit }: Part,
): Promise<Page<JobRecord>> {
  // One more than asked for tells whether there is a next page.
  const { rows, end } = await readRows(tx, progress, status, after, limit + 1);
  if (rows.length <= limit) return { rows, next: end };
  rows.length = limit;
  return { rows, next: rows.at(-1)?.seq ?? after };
}

interface Rows {
  rows: JobRecord[];
  /** Where to go on if there are too few; null = there are no more. */
  end: number | null;
}

async function readRows(
  tx: Transaction,
  progress: ProgressRow,
  status: JobQuery['status'],
  after: number,
  limit: number,
): Promise<Rows> {
  switch (status) {
    case undefined:
      return { rows: await readAny(tx, progress, after, limit), end: null };
    case 'completed':
    case 'failed':
      return { rows: await readSettled(tx, progress, status, after, limit), end: null };
    case 'active':
      return { rows: await readActive(tx, progress, after, limit), end: null };
    case 'pending': {
      // What waits was claimed before, so it lies before the cursor, and what is fresh behind it.
      const waiting = await readWaiting(tx, progress, after, limit);
      const missing = limit - waiting.length;
      if (missing === 0) return { rows: waiting, end: null };
      const fresh = await readFresh(tx, progress, Math.max(after, progress.cursor), missing);
      const isCut = fresh.rows.length < missing && fresh.end < progress.lastSeq;
      return { rows: [...waiting, ...fresh.rows.map(freshRecord)], end: isCut ? fresh.end : null };
    }
  }
}

async function readAny(
  tx: Transaction,
  { task }: ProgressRow,
  after: number,
  limit: number,
): Promise<JobRecord[]> {
  const jobs = await readJobsAfter(tx, task, after, limit);
  const [first, last] = [jobs[0]?.seq, jobs.at(-1)?.seq];
  if (first === undefined || last === undefined) return [];
  const [completed, failed, live, owners] = await Promise.all([
    readSettledBetween(tx, task, 'completed', first, last),
    readSettledBetween(tx, task, 'failed', first, last),
    tx.getAll('live', places(task, first, last)),
    readOwners(tx, task),
  ]);
  const completedAt = new Map(completed.map((row) => [row.seq, row]));
  const failedAt = new Map(failed.map((row) => [row.seq, row]));
  const liveAt = new Map(live.map((row) => [row.seq, row]));
  const heldAt = new Map(owners.flatMap((owner) => owner.held.map((held) => [held.seq, held])));
  return jobs.map((job) => {
    const done = completedAt.get(job.seq);
    if (done !== undefined) return settledRecord(job, 'completed', done);
    const gone = failedAt.get(job.seq);
    if (gone !== undefined) return settledRecord(job, 'failed', gone);
    const row = liveAt.get(job.seq);
    const held = heldAt.get(job.seq);
    if (held !== undefined) return activeRecord(job, held, row);
    return row === undefined ? freshRecord(job) : waitingRecord(job, row);
  });
}

async function readSettled(
  tx: Transaction,
  { task }: ProgressRow,
  ending: Ending,
  after: number,
  limit: number,
): Promise<JobRecord[]> {
  const { rows } = await readSettledAfter(tx, task, ending, after, limit);
  return withJobs(tx, task, rows, (job, row) => settledRecord(job, ending, row));
}

async function readActive(
  tx: Transaction,
  { task, active }: ProgressRow,
  after: number,
  limit: number,
): Promise<JobRecord[]> {
  if (active === 0) return [];
  const held = (await readOwners(tx, task)).flatMap((owner) => owner.held).filter(({ seq }) => seq > after);
  const page = held.sort((a, b) => a.seq - b.seq).slice(0, limit);
  const again = page.filter((job) => job.again).map(({ seq }) => tx.get('live', [task, seq]));
  const liveAt = new Map((await Promise.all(again)).map((row) => [row?.seq, row]));
  return withJobs(tx, task, page, (job, row) => activeRecord(job, row, liveAt.get(job.seq)));
}

async function readWaiting(
  tx: Transaction,
  { task, waiting }: ProgressRow,
  after: number,
  limit: number,
): Promise<JobRecord[]> {
  const page: LiveRow[] = [];
  let from = after + 1;
  // Rows of jobs that are held again lie between them: as many as jobs are in hand, at most.
  while (waiting > 0 && page.length < limit) {
    const count = limit - page.length;
    const found = await tx.getAll('live', places(task, from), count);
    page.push(...found.filter((row) => row.dueAt !== undefined));
    if (found.length < count) break;
    from = (found.at(-1)?.seq ?? from) + 1;
  }
  return withJobs(tx, task, page, waitingRecord);
}

async function withJobs<T extends { seq: number }>(
  tx: Transaction,
  task: number,
  rows: readonly T[],
  record: (job: JobRow, row: T) => JobRecord,
): Promise<JobRecord[]> {
  const jobs = await readJobsAt(
    tx,
    task,
    rows.map((row) => row.seq),
  );
  return rows.map((row) => {
    const job = jobs.get(row.seq);
    if (job === undefined) throw new Error(`job ${row.seq} of task ${task} is missing`);
    return record(job, row);
  });
}

function freshRecord({ seq, hash, key, input }: JobRow): JobRecord {
  return {
    seq,
    hash,
    key,
    input,
    status: 'pending',
    attempts: 0,
    throttles: 0,
    startedAt: null,
    endedAt: null,
    dueAt: null,
    output: null,
    error: null,
  };
}

function waitingRecord(job: JobRow, { attempts, throttles, dueAt, error }: LiveRow): JobRecord {
  return { ...freshRecord(job), attempts, throttles, dueAt: dueAt ?? null, error };
}

function activeRecord(job: JobRow, { claimedAt }: HeldJob, row: LiveRow | undefined): JobRecord {
  const { attempts = 1, throttles = 0, error = null } = row ?? {};
  return { ...freshRecord(job), status: 'active', attempts, throttles, startedAt: claimedAt, error };
}

function settledRecord(job: JobRow, status: Ending, row: SettledRow): JobRecord {
  const { attempts, throttles, startedAt, endedAt, text } = row;
  const [output, error] = status === 'completed' ? [text, null] : [null, text];
  return { ...freshRecord(job), status, attempts, throttles, startedAt, endedAt, output, error };
}
