// The reference store: tasks and jobs in this process, in arrays. It lives and dies with its instance.
import { TaskHubError } from '../errors.js';
import type { JobStatus } from '../types.js';
import type {
  ClaimedJob,
  Exchange,
  ExchangeResult,
  InsertResult,
  JobCounts,
  JobQuery,
  JobRecord,
  NewJob,
  NewTask,
  OwnerRecord,
  Page,
  Settlement,
  StorageAdapter,
  StoredTaskStatus,
  TaskPatch,
  TaskQuery,
  TaskRecord,
} from './contract.js';

/**
 * A store in memory: nothing is written anywhere, nothing is there after the process has ended.
 *
 * The data belongs to the instance, not to whoever opened it: hubs of one realm that are given the same instance
 * share its tasks, and closing one of them leaves the others in use.
 *
 * About 125 bytes per job besides its texts.
 */
export class MemoryAdapter implements StorageAdapter {
  readonly name = 'memory';
  readonly capabilities: { persistent: boolean; shared: boolean } = { persistent: false, shared: true };
  readonly #tasks = new Map<string, MemoryTask>();
  #lastNo = 0;

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async insertTask(task: NewTask): Promise<{ task: TaskRecord; created: boolean }> {
    const known = this.#tasks.get(task.id);
    if (known !== undefined) return { task: known.record(), created: false };
    this.#lastNo += 1;
    const created = new MemoryTask(this.#lastNo, task);
    this.#tasks.set(task.id, created);
    return { task: created.record(), created: true };
  }

  async publishTask(
    provisional: string,
    final: { id: string; root: string; duplicates: number },
    now: number,
  ): Promise<{ task: TaskRecord; created: boolean }> {
    const task = this.#tasks.get(provisional);
    const taken = this.#tasks.get(final.id);
    if (taken !== undefined && taken !== task) {
      this.#tasks.delete(provisional);
      return { task: taken.record(), created: false };
    }
    if (task === undefined) throw deleted(provisional);
    this.#tasks.delete(provisional);
    this.#tasks.set(final.id, task);
    task.publish(final, now);
    return { task: task.record(), created: true };
  }

  async readTask(id: string): Promise<TaskRecord | null> {
    return this.#tasks.get(id)?.record() ?? null;
  }

  async listTasks({ name, status, root, after, limit }: TaskQuery): Promise<Page<TaskRecord>> {
    const found = [...this.#tasks.values()]
      .filter((task) => after === undefined || task.no < after)
      .filter((task) => name === undefined || task.name === name)
      .filter((task) => (status === undefined ? task.status !== 'ingesting' : task.status === status))
      .filter((task) => root === undefined || task.root === root)
      .sort((a, b) => b.no - a.no);
    const page = found.slice(0, limit);
    return {
      rows: page.map((task) => task.record()),
      next: page.length < found.length ? (page.at(-1)?.no ?? null) : null,
    };
  }

  async transitionTask(
    id: string,
    from: readonly StoredTaskStatus[],
    patch: TaskPatch,
    now: number,
  ): Promise<TaskRecord | null> {
    const task = this.#tasks.get(id);
    if (task === undefined || !from.includes(task.status)) return null;
    task.patch(patch, now);
    return task.record();
  }

  async deleteTask(id: string): Promise<boolean> {
    return this.#tasks.delete(id);
  }

  async insertJobs(
    taskId: string,
    jobs: readonly NewJob[],
    context: { now: number; last: boolean },
  ): Promise<InsertResult> {
    const task = this.#tasks.get(taskId);
    if (task === undefined) throw deleted(taskId);
    const source = task.reuseFrom === null ? undefined : this.#tasks.get(task.reuseFrom);
    return task.insert(jobs, source, context);
  }

  async exchange(taskId: string, batch: Exchange): Promise<ExchangeResult> {
    const task = this.#tasks.get(taskId);
    if (task !== undefined) return task.exchange(batch);
    const lost = batch.settle.map(({ seq }) => seq);
    return { claimed: [], lost, counts: noCounts(), status: null, nextDueAt: null };
  }

  async renewLeases(owner: string, leaseUntil: number): Promise<void> {
    for (const task of this.#tasks.values()) task.renew(owner, leaseUntil);
  }

  async listOwners(taskId: string): Promise<OwnerRecord[]> {
    return this.#tasks.get(taskId)?.owners() ?? [];
  }

  async releaseJobs(
    taskId: string,
    { owner, crashed }: { owner: string; crashed: boolean },
    now: number,
  ): Promise<number> {
    return this.#tasks.get(taskId)?.release(owner, crashed, now) ?? 0;
  }

  async resetFailed(
    taskId: string,
    limit: number,
    now: number,
  ): Promise<{ reset: number; counts: JobCounts }> {
    return this.#tasks.get(taskId)?.resetFailed(limit, now) ?? { reset: 0, counts: noCounts() };
  }

  async readJobs(taskId: string, query: JobQuery): Promise<Page<JobRecord>> {
    return this.#tasks.get(taskId)?.read(query) ?? { rows: [], next: null };
  }
}

function deleted(taskId: string): TaskHubError {
  return new TaskHubError('TASK_DELETED', `The task "${taskId}" was deleted.`, { details: { taskId } });
}

function noCounts(): JobCounts {
  return { total: 0, pending: 0, waiting: 0, active: 0, completed: 0, failed: 0 };
}

/** An owner in a task: the number under which rows name it, the end of its lease, and what it holds. */
interface Lease {
  no: number;
  until: number;
  held: number;
  ingests: boolean;
}

/** A task with its jobs. */
class MemoryTask {
  /** Place among the tasks in the order in which they were inserted. */
  readonly no: number;
  readonly name: string;
  readonly reuseFrom: string | null;
  status: StoredTaskStatus;
  root: string | null = null;
  #id: string;
  #options: string;
  #ingested = false;
  #duplicates = 0;
  #reused = 0;
  readonly #createdAt: number;
  #updatedAt: number;

  readonly #rows = new Rows();
  readonly #due = new DueHeap(this.#rows);
  readonly #leases = new Map<string, Lease>();
  #lastLease = 0;
  // Every row before it was claimed once, or came with a copied result.
  #cursor = 0;
  // Deaths by row; few jobs ever have one.
  readonly #crashes = new Map<number, number>();

  constructor(no: number, task: NewTask) {
    this.no = no;
    this.name = task.name;
    this.reuseFrom = task.reuseFrom;
    this.status = task.status;
    this.#id = task.id;
    this.#options = task.options;
    this.#createdAt = task.now;
    this.#updatedAt = task.now;
    if (task.status === 'ingesting') this.#lease(task.owner, task.leaseUntil).ingests = true;
  }

  record(): TaskRecord {
    return {
      id: this.#id,
      name: this.name,
      status: this.status,
      root: this.root,
      options: this.#options,
      ingested: this.#ingested,
      lastSeq: this.#rows.lastSeq(),
      counts: this.#rows.counts(),
      duplicates: this.#duplicates,
      reused: this.#reused,
      createdAt: this.#createdAt,
      updatedAt: this.#updatedAt,
    };
  }

  publish(final: { id: string; root: string; duplicates: number }, now: number): void {
    this.#id = final.id;
    this.root = final.root;
    this.patch({ status: 'idle', ingested: true, duplicates: final.duplicates }, now);
    for (const lease of this.#leases.values()) lease.ingests = false;
  }

  patch({ status, options, ingested, duplicates }: TaskPatch, now: number): void {
    this.status = status ?? this.status;
    this.#options = options ?? this.#options;
    this.#ingested = ingested ?? this.#ingested;
    this.#duplicates = duplicates ?? this.#duplicates;
    this.#updatedAt = now;
  }

  insert(
    jobs: readonly NewJob[],
    source: MemoryTask | undefined,
    { now, last }: { now: number; last: boolean },
  ): InsertResult {
    // Read to the end before the first is written: what throws here leaves the task as it was.
    const batch = jobs.map(({ seq, hash, key, input }) => ({ seq, hash, key, input }));
    const rows = this.#rows;
    const duplicates: { at: number; seq: number; sameInput: boolean }[] = [];
    let reused = 0;
    for (const [at, { seq, hash, key, input }] of batch.entries()) {
      const known = rows.findHash(hash);
      if (known >= 0) {
        duplicates.push({ at, seq: rows.get(known, SEQ), sameInput: rows.inputs[known] === input });
        continue;
      }
      const row = rows.add(Math.max(seq, rows.lastSeq() + 1), hash, key, input);
      if (source !== undefined && rows.copyResult(row, source.#rows)) reused += 1;
    }
    this.#reused += reused;
    if (last && !this.#ingested) this.patch({ ingested: true }, now);
    return { inserted: batch.length - duplicates.length, duplicates, reused, counts: rows.counts() };
  }

  exchange({ owner, now, settle, claim }: Exchange): ExchangeResult {
    // As in `insert`: read first, then write.
    const settlements = settle.map((settlement) => ({ ...settlement }));
    const lost: number[] = [];
    const own = this.#leases.get(owner);
    for (const settlement of settlements) {
      const row = this.#rows.find(settlement.seq);
      if (own !== undefined && row >= 0 && this.#holds(own, row)) this.#settle(own, row, settlement);
      else lost.push(settlement.seq);
    }
    for (const [other, { until }] of this.#leases) {
      if (other !== owner && until <= now) this.release(other, true, now);
    }
    const claimed = claim === null ? [] : this.#claim(this.#lease(owner, claim.leaseUntil), claim.limit, now);
    return {
      claimed,
      lost,
      counts: this.#rows.counts(),
      status: this.status,
      nextDueAt: this.#nextDueAt(owner),
    };
  }

  renew(owner: string, leaseUntil: number): void {
    const lease = this.#leases.get(owner);
    if (lease !== undefined) lease.until = leaseUntil;
  }

  owners(): OwnerRecord[] {
    const counting = [...this.#leases].filter(([, lease]) => lease.held > 0 || lease.ingests);
    return counting.map(([id, lease]) => ({ id, leaseUntil: lease.until }));
  }

  release(owner: string, crashed: boolean, now: number): number {
    const lease = this.#leases.get(owner);
    if (lease === undefined) return 0;
    const released = lease.held;
    for (let row = 0; lease.held > 0; row += 1) {
      row = this.#rows.next('active', row);
      if (!this.#holds(lease, row)) continue;
      if (crashed) this.#crashes.set(row, this.#crashesOf(row) + 1);
      else this.#rows.change(row, ATTEMPTS, -1);
      this.#wait(row, now);
      lease.held -= 1;
    }
    this.#leases.delete(owner);
    return released;
  }

  resetFailed(limit: number, now: number): { reset: number; counts: JobCounts } {
    const rows = this.#rows;
    const reset = Math.min(limit, rows.counts().failed);
    for (let done = 0, row = 0; done < reset; done += 1) {
      row = rows.next('failed', row);
      rows.set(row, ATTEMPTS, 0);
      rows.set(row, THROTTLES, 0);
      this.#wait(row, now);
    }
    return { reset, counts: rows.counts() };
  }

  read({ status, after = 0, limit }: JobQuery): Page<JobRecord> {
    const rows: JobRecord[] = [];
    for (let row = this.#rows.firstAfter(after); ; row += 1) {
      row = this.#rows.next(status, row);
      if (row === this.#rows.length) return { rows, next: null };
      if (rows.length >= limit) return { rows, next: rows.at(-1)?.seq ?? after };
      rows.push(this.#rows.record(row));
    }
  }

  /** The lease of an owner, made if need be, with its end at `until`. */
  #lease(owner: string, until: number): Lease {
    let lease = this.#leases.get(owner);
    if (lease === undefined) {
      this.#lastLease += 1;
      lease = { no: this.#lastLease, until, held: 0, ingests: false };
      this.#leases.set(owner, lease);
    }
    lease.until = until;
    return lease;
  }

  #holds(lease: Lease, row: number): boolean {
    return this.#rows.is(row, ACTIVE) && this.#rows.get(row, HOLDER) === lease.no;
  }

  #settle(own: Lease, row: number, settlement: Settlement): void {
    const rows = this.#rows;
    own.held -= 1;
    switch (settlement.outcome) {
      case 'completed':
        this.#finish(row, COMPLETED, settlement.output, settlement);
        return;
      case 'failed':
        if (!settlement.ran) rows.change(row, ATTEMPTS, -1);
        this.#finish(row, FAILED, settlement.error, settlement);
        return;
      case 'throttled':
        rows.change(row, THROTTLES, 1);
        rows.texts[row] = settlement.error;
        break;
      case 'retry':
        rows.texts[row] = settlement.error;
        break;
      case 'interrupted':
        rows.change(row, ATTEMPTS, -1);
    }
    this.#wait(row, settlement.dueAt);
  }

  #finish(row: number, status: Status, text: string | null, { startedAt, endedAt }: Settlement): void {
    const rows = this.#rows;
    rows.texts[row] = text;
    rows.set(row, STARTED, startedAt);
    rows.set(row, UNTIL, endedAt);
    rows.move(row, status);
    if (this.#crashes.size > 0) this.#crashes.delete(row);
  }

  #wait(row: number, dueAt: number): void {
    this.#rows.set(row, UNTIL, dueAt);
    this.#rows.move(row, WAITING);
    this.#due.push(row);
  }

  #claim(lease: Lease, limit: number, now: number): ClaimedJob[] {
    const claimed: ClaimedJob[] = [];
    const take = (row: number): void => {
      const rows = this.#rows;
      rows.move(row, ACTIVE);
      rows.change(row, ATTEMPTS, 1);
      rows.set(row, STARTED, now);
      rows.set(row, HOLDER, lease.no);
      lease.held += 1;
      claimed.push(rows.claimed(row, this.#crashesOf(row)));
    };
    while (claimed.length < limit && this.#due.firstDueAt() <= now) take(this.#due.pop());
    while (claimed.length < limit && this.#cursor < this.#rows.length) {
      if (this.#rows.is(this.#cursor, FRESH)) take(this.#cursor);
      this.#cursor += 1;
    }
    return claimed;
  }

  #crashesOf(row: number): number {
    return this.#crashes.size === 0 ? 0 : (this.#crashes.get(row) ?? 0);
  }

  #nextDueAt(owner: string): number | null {
    let first = this.#due.firstDueAt();
    for (const [other, lease] of this.#leases) {
      if (other !== owner && lease.held > 0 && lease.until < first) first = lease.until;
    }
    return first === Number.POSITIVE_INFINITY ? null : first;
  }
}

// Where a job is. Fresh and waiting ones are `pending`.
const FRESH = 0;
const WAITING = 1;
const ACTIVE = 2;
const COMPLETED = 3;
const FAILED = 4;
type Status = typeof FRESH | typeof WAITING | typeof ACTIVE | typeof COMPLETED | typeof FAILED;
const WORDS: readonly JobStatus[] = ['pending', 'pending', 'active', 'completed', 'failed'];

// The numbers of a row.
const SEQ = 0;
const ATTEMPTS = 1;
const THROTTLES = 2;
/** active: the claim; settled: start of the last attempt. */
const STARTED = 3;
/** waiting: when it falls due; settled: its end. */
const UNTIL = 4;
/** active: whose it is. */
const HOLDER = 5;
const NUMBERS = 6;

const FIRST_CAPACITY = 16;

/**
 * The jobs of a task in order of seq, from row 0, as columns: a million objects would cost twice the memory and keep
 * the garbage collector busy.
 */
class Rows {
  length = 0;
  readonly inputs: string[] = [];
  /** completed: the output; else the last error. */
  readonly texts: (string | null)[] = [];
  readonly #keys: (string | null)[] = [];
  readonly #tally = new Float64Array(5);
  #capacity = FIRST_CAPACITY;
  #statuses = new Uint8Array(FIRST_CAPACITY);
  #numbers = new Float64Array(FIRST_CAPACITY * NUMBERS);
  #hashes = new Uint8Array(FIRST_CAPACITY * 32);
  // Rows (+ 1; 0 is nobody) by hash, at most half full. As quick as a HashIndex, which keeps prefixes because its rows
  // are on a disk, and without its 90 KB and 0.3 ms for every task.
  #places = new Int32Array(FIRST_CAPACITY * 2);

  get(row: number, field: number): number {
    return this.#numbers[row * NUMBERS + field] as number; // rows given are below length
  }

  set(row: number, field: number, value: number): void {
    this.#numbers[row * NUMBERS + field] = value;
  }

  change(row: number, field: number, by: number): void {
    this.set(row, field, this.get(row, field) + by);
  }

  is(row: number, status: Status): boolean {
    return this.#statuses[row] === status;
  }

  /** The one place where a status changes, and the counts with it. */
  move(row: number, to: Status): void {
    this.#count(this.#statuses[row] as number, -1);
    this.#count(to, 1);
    this.#statuses[row] = to;
  }

  #count(status: number, by: number): void {
    this.#tally[status] = (this.#tally[status] as number) + by; // one of the five
  }

  counts(): JobCounts {
    const [fresh, waiting, active, completed, failed] = this.#tally as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { total: this.length, pending: fresh + waiting, waiting, active, completed, failed };
  }

  lastSeq(): number {
    return this.length === 0 ? 0 : this.get(this.length - 1, SEQ);
  }

  add(seq: number, hash: Uint8Array, key: string | null, input: string): number {
    if (this.length === this.#capacity) this.#grow();
    const row = this.length;
    this.length += 1;
    this.inputs.push(input);
    this.texts.push(null);
    this.#keys.push(key);
    this.#hashes.set(hash, row * 32);
    this.#places[this.#placeOf(hash)] = row + 1;
    this.set(row, SEQ, seq);
    this.#count(FRESH, 1);
    return row;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#statuses = grown(this.#statuses, new Uint8Array(this.#capacity));
    this.#numbers = grown(this.#numbers, new Float64Array(this.#capacity * NUMBERS));
    this.#hashes = grown(this.#hashes, new Uint8Array(this.#capacity * 32));
    this.#places = new Int32Array(this.#capacity * 2);
    for (let row = 0; row < this.length; row += 1) this.#places[this.#placeOf(this.#hash(row))] = row + 1;
  }

  /** Gives a fresh row the completed result that `source` has for its hash; false if there is none. */
  copyResult(row: number, source: Rows): boolean {
    const from = source.findHash(this.#hash(row));
    if (from < 0 || !source.is(from, COMPLETED)) return false;
    for (const field of [ATTEMPTS, THROTTLES, STARTED, UNTIL]) this.set(row, field, source.get(from, field));
    this.texts[row] = source.texts[from] ?? null;
    this.move(row, COMPLETED);
    return true;
  }

  /** The row of a hash, or −1. */
  findHash(hash: Uint8Array): number {
    return (this.#places[this.#placeOf(hash)] as number) - 1; // a place in the table
  }

  /** Where the row of a hash stands in the table, or where it would: linear probing from its last bits. */
  #placeOf(hash: Uint8Array): number {
    const last = this.#places.length - 1;
    for (let place = lowBits(hash) & last; ; place = (place + 1) & last) {
      const row = (this.#places[place] as number) - 1; // a place in the table
      if (row < 0 || this.#hasHash(row, hash)) return place;
    }
  }

  #hasHash(row: number, hash: Uint8Array): boolean {
    for (let at = 0; at < 32; at += 1) if (this.#hashes[row * 32 + at] !== hash[at]) return false;
    return true;
  }

  #hash(row: number): Uint8Array {
    return this.#hashes.slice(row * 32, row * 32 + 32);
  }

  /** The row of a seq, or −1. */
  find(seq: number): number {
    const row = this.firstAfter(seq - 1);
    return row < this.length && this.get(row, SEQ) === seq ? row : -1;
  }

  /** The first row with a greater seq; `length` if there is none. */
  firstAfter(seq: number): number {
    // Without gaps it is the row `seq`, and never a later one. Gaps are where the source repeats itself.
    let high = Math.min(seq, this.length);
    if (high <= 0 || this.get(high - 1, SEQ) <= seq) return Math.max(high, 0);
    let low = 0;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.get(middle, SEQ) <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first row from `row` on that has the status; `length` if there is none. */
  next(status: JobStatus | undefined, row: number): number {
    if (status === undefined) return row;
    if (status !== 'pending') {
      const found = this.#statuses.indexOf(WORDS.indexOf(status), row);
      return found < 0 ? this.length : found;
    }
    let next = row;
    while (next < this.length && !this.is(next, FRESH) && !this.is(next, WAITING)) next += 1;
    return next;
  }

  claimed(row: number, crashes: number): ClaimedJob {
    return {
      seq: this.get(row, SEQ),
      hash: this.#hash(row),
      key: this.#keys[row] as string | null, // a row below length has one
      input: this.inputs[row] as string, // likewise
      attempts: this.get(row, ATTEMPTS),
      throttles: this.get(row, THROTTLES),
      crashes,
      error: this.texts[row] ?? null,
    };
  }

  record(row: number): JobRecord {
    const status = this.#statuses[row] as Status; // a row below length has one
    const text = this.texts[row] ?? null;
    const settled = status === COMPLETED || status === FAILED;
    return {
      seq: this.get(row, SEQ),
      hash: this.#hash(row),
      key: this.#keys[row] as string | null, // likewise
      input: this.inputs[row] as string, // likewise
      status: WORDS[status] as JobStatus, // one of the five
      attempts: this.get(row, ATTEMPTS),
      throttles: this.get(row, THROTTLES),
      startedAt: settled || status === ACTIVE ? this.get(row, STARTED) : null,
      endedAt: settled ? this.get(row, UNTIL) : null,
      dueAt: status === WAITING ? this.get(row, UNTIL) : null,
      output: status === COMPLETED ? text : null,
      error: status === COMPLETED ? null : text,
    };
  }
}

/** The last 30 bits or so of a hash; the low bits of a SHA-256 are as random as any. */
function lowBits(hash: Uint8Array): number {
  const [a, b, c, d] = [hash[28], hash[29], hash[30], hash[31]] as [number, number, number, number];
  return (a << 24) | (b << 16) | (c << 8) | d;
}

function grown<T extends Uint8Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Waiting rows, the one that falls due first on top; of equal ones the one of lower seq. A binary heap. */
class DueHeap {
  readonly #rows: Rows;
  readonly #heap: number[] = [];

  constructor(rows: Rows) {
    this.#rows = rows;
  }

  firstDueAt(): number {
    const top = this.#heap[0];
    return top === undefined ? Number.POSITIVE_INFINITY : this.#rows.get(top, UNTIL);
  }

  push(row: number): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as number; // parent < length
      if (this.#before(above, row)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = row;
  }

  /** Takes the top away. The heap must not be empty. */
  pop(): number {
    const heap = this.#heap;
    const top = heap[0] as number; // not empty
    const row = heap.pop() as number; // not empty
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const [l, r] = [heap[left] as number, heap[right]]; // left < length
      const child = r !== undefined && this.#before(r, l) ? right : left;
      const below = heap[child] as number; // child < length
      if (this.#before(row, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = row;
    return top;
  }

  #before(a: number, b: number): boolean {
    const difference = this.#rows.get(a, UNTIL) - this.#rows.get(b, UNTIL);
    return difference < 0 || (difference === 0 && a < b);
  }
}
