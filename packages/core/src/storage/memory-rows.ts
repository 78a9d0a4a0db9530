// The jobs of a task in the memory store: rows in columns, and those that wait in order of their due times.
import type { JobStatus } from '../types.js';
import type { ClaimedJob, JobCounts, JobRecord } from './contract.js';

// Where a job is. Fresh and waiting ones are `pending`.
export const FRESH = 0;
export const WAITING = 1;
export const ACTIVE = 2;
export const COMPLETED = 3;
export const FAILED = 4;
export type RowStatus = typeof FRESH | typeof WAITING | typeof ACTIVE | typeof COMPLETED | typeof FAILED;
const WORDS: readonly JobStatus[] = ['pending', 'pending', 'active', 'completed', 'failed'];

// The numbers of a row.
export const SEQ = 0;
export const ATTEMPTS = 1;
export const THROTTLES = 2;
/** active: the claim; settled: start of the last attempt. */
export const STARTED = 3;
/** waiting: when it falls due; settled: its end. */
export const UNTIL = 4;
/** active: whose it is. */
export const HOLDER = 5;
const NUMBERS = 6;

const FIRST_CAPACITY = 16;

/**
 * The jobs of a task in order of seq, from row 0, as columns: a million objects would cost twice the memory and keep
 * the garbage collector busy.
 */
export class MemoryRows {
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

  is(row: number, status: RowStatus): boolean {
    return this.#statuses[row] === status;
  }

  /** The one place where a status changes, and the counts with it. */
  move(row: number, to: RowStatus): void {
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
  copyResult(row: number, source: MemoryRows): boolean {
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
    const status = this.#statuses[row] as RowStatus; // a row below length has one
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

/** The last 32 bits of a hash: those of a SHA-256 are evenly distributed, which linear probing needs. */
function lowBits(hash: Uint8Array): number {
  const [a, b, c, d] = [hash[28], hash[29], hash[30], hash[31]] as [number, number, number, number];
  return (a << 24) | (b << 16) | (c << 8) | d;
}

function grown<T extends Uint8Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Waiting rows, the one that falls due first on top; of equal ones the one of lower seq. A binary heap. */
export class DueHeap {
  readonly #rows: MemoryRows;
  readonly #heap: number[] = [];

  constructor(rows: MemoryRows) {
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
