// The small things that tests arrange with: tasks, jobs, settlements, and rows in a form that can be compared.
import type {
  Exchange,
  ExchangeResult,
  InsertResult,
  JobCounts,
  JobQuery,
  JobRecord,
  NewJob,
  NewTask,
  Settlement,
  StorageAdapter,
  TaskRecord,
} from '../../storage/contract.js';

/** When every test begins, ms since 1970. */
export const T0 = 1_700_000_000_000;
/** How long the leases of the fixtures last, ms. */
export const LEASE = 30_000;
/** No jobs at all. */
export const NO_COUNTS: JobCounts = { total: 0, pending: 0, waiting: 0, active: 0, completed: 0, failed: 0 };

/** A visible, empty task at {@link T0}, or what `over` makes of it. */
export function newTask(id: string, over: Partial<NewTask> = {}): NewTask {
  return {
    id,
    name: `name of ${id}`,
    status: 'idle',
    options: '{}',
    reuseFrom: null,
    owner: 'ann',
    leaseUntil: T0 + LEASE,
    now: T0,
    ...over,
  };
}

/** A task whose data is still being read. */
export function provisionalTask(id: string, over: Partial<NewTask> = {}): NewTask {
  return newTask(id, { status: 'ingesting', ...over });
}

/** A root (hex) that a test can tell from another. */
export function rootOf(text: string): string {
  return hex(hashOf(`root of ${text}`));
}

/** 32 bytes that differ for different texts; no SHA-256, which no store asks for. */
export function hashOf(text: string): Uint8Array {
  const bytes = new Uint8Array(32);
  const words = new DataView(bytes.buffer);
  for (let word = 0; word < 8; word += 1) {
    let sum = 0x811c9dc5 ^ Math.imul(word + 1, 0x9e3779b1);
    for (let at = 0; at < text.length; at += 1) {
      sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
      sum ^= sum >>> 13;
    }
    words.setUint32(word * 4, sum);
  }
  return bytes;
}

/** Lower-case hex of bytes. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The job that the fixtures put at `seq`. */
export function newJob(seq: number, over: Partial<NewJob> = {}): NewJob {
  return { seq, hash: hashOf(`job ${seq}`), key: null, input: `{"n":${seq}}`, ...over };
}

/** A job told by a word, for tests where several places hold the same one. */
export function namedJob(seq: number, word: string): NewJob {
  return newJob(seq, { hash: hashOf(word), input: JSON.stringify(word) });
}

/** The jobs `from` to `to`, both included. */
export function newJobs(from: number, to: number): NewJob[] {
  return Array.from({ length: to - from + 1 }, (_, at) => newJob(from + at));
}

/** Inserts jobs at {@link T0}. */
export function insert(
  store: StorageAdapter,
  taskId: string,
  jobs: readonly NewJob[],
  last = false,
): Promise<InsertResult> {
  return store.insertJobs(taskId, jobs, { now: T0, last });
}

/** A visible task with the jobs 1 to `jobs`, all fresh. */
export async function givenTask(
  store: StorageAdapter,
  id: string,
  jobs = 0,
  over: Partial<NewTask> = {},
): Promise<TaskRecord> {
  const { task } = await store.insertTask(newTask(id, over));
  if (jobs > 0) await insert(store, id, newJobs(1, jobs));
  return task;
}

/** An exchange by `ann` at {@link T0} that settles and claims nothing, or what `over` makes of it. */
export function exchange(
  store: StorageAdapter,
  taskId: string,
  over: Partial<Exchange> = {},
): Promise<ExchangeResult> {
  return store.exchange(taskId, { owner: 'ann', now: T0, settle: [], claim: null, ...over });
}

/** An exchange that claims up to `limit` jobs with a lease of {@link LEASE} from its `now`. */
export function claim(
  store: StorageAdapter,
  taskId: string,
  limit: number,
  over: Partial<Exchange> = {},
): Promise<ExchangeResult> {
  const now = over.now ?? T0;
  return exchange(store, taskId, { claim: { limit, leaseUntil: now + LEASE }, ...over });
}

/** An exchange that only settles. */
export function settle(
  store: StorageAdapter,
  taskId: string,
  settlements: readonly Settlement[],
  over: Partial<Exchange> = {},
): Promise<ExchangeResult> {
  return exchange(store, taskId, { settle: settlements, ...over });
}

/** Started 10 ms and ended 20 ms after {@link T0}. */
const SPAN = { startedAt: T0 + 10, endedAt: T0 + 20 };

/** The job succeeded. */
export function completed(seq: number, output: string | null = `"out ${seq}"`): Settlement {
  return { seq, ...SPAN, outcome: 'completed', output };
}
/** The job ran and failed for good. */
export function failed(seq: number, error = `error ${seq}`): Settlement {
  return { seq, ...SPAN, outcome: 'failed', error, attempt: 'spent' };
}
/** The job failed for good without having run. */
export function notRun(seq: number, error = `error ${seq}`): Settlement {
  return { seq, ...SPAN, outcome: 'failed', error, attempt: 'unused' };
}
/** The job failed for good: refused once too often. */
export function refusedForGood(seq: number, error = `error ${seq}`): Settlement {
  return { seq, ...SPAN, outcome: 'failed', error, attempt: 'refused' };
}
/** The job failed and is due again at `dueAt`. */
export function retry(seq: number, dueAt: number, error = `error ${seq}`): Settlement {
  return { seq, ...SPAN, outcome: 'retry', error, dueAt };
}
/** The job was refused and is due again at `dueAt`. */
export function throttled(seq: number, dueAt: number, error = `error ${seq}`): Settlement {
  return { seq, ...SPAN, outcome: 'throttled', error, dueAt };
}
/** The job was stopped and is due again at `dueAt`. */
export function interrupted(seq: number, dueAt: number): Settlement {
  return { seq, ...SPAN, outcome: 'interrupted', dueAt };
}

/** `seq` of each row. */
export function seqs(rows: readonly { seq: number }[]): number[] {
  return rows.map((row) => row.seq);
}

/** A row whose hash is hex, so that any runner can compare it and stores may give a subclass of `Uint8Array`. */
export type Plain<T extends { hash: Uint8Array }> = Omit<T, 'hash'> & { hash: string };

/** The row with its hash as hex. */
export function plain<T extends { hash: Uint8Array }>(row: T): Plain<T> {
  return { ...row, hash: hex(row.hash) };
}

/** All jobs of a task, page by page. */
export async function allJobs(
  store: StorageAdapter,
  taskId: string,
  query: Partial<JobQuery> = {},
): Promise<Plain<JobRecord>[]> {
  const rows: Plain<JobRecord>[] = [];
  let page = await store.readJobs(taskId, { limit: 1_000, ...query });
  rows.push(...page.rows.map(plain));
  while (page.next !== null) {
    page = await store.readJobs(taskId, { limit: 1_000, ...query, after: page.next });
    rows.push(...page.rows.map(plain));
  }
  return rows;
}

/** The job at `seq`, as stored. */
export async function jobAt(store: StorageAdapter, taskId: string, seq: number): Promise<Plain<JobRecord>> {
  const { rows } = await store.readJobs(taskId, { after: seq - 1, limit: 1 });
  const row = rows[0];
  if (row === undefined || row.seq !== seq) throw new Error(`Expected a job at ${seq}.`);
  return plain(row);
}

/** Status of each job, in order of `seq`. */
export async function statuses(store: StorageAdapter, taskId: string): Promise<string[]> {
  return (await allJobs(store, taskId)).map((row) => row.status);
}

/** What the counts must be, by the rows. */
export async function countedRows(store: StorageAdapter, taskId: string): Promise<JobCounts> {
  const rows = await allJobs(store, taskId);
  const count = (status: string): number => rows.filter((row) => row.status === status).length;
  return {
    total: rows.length,
    pending: count('pending'),
    waiting: rows.filter((row) => row.dueAt !== null).length,
    active: count('active'),
    completed: count('completed'),
    failed: count('failed'),
  };
}

/** The counts of a task, as kept. */
export async function keptCounts(store: StorageAdapter, taskId: string): Promise<JobCounts> {
  const task = await store.readTask(taskId);
  if (task === null) throw new Error(`Expected the task "${taskId}".`);
  return task.counts;
}
