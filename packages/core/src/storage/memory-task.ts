// A task of the memory store: its record, who holds its jobs, and the rules by which they move.
import type {
  Claim,
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
  StoredTaskStatus,
  TaskPatch,
  TaskRecord,
} from './contract.js';
import {
  ACTIVE,
  ATTEMPTS,
  COMPLETED,
  DueHeap,
  FAILED,
  FRESH,
  HOLDER,
  MemoryRows,
  type RowStatus,
  SEQ,
  STARTED,
  THROTTLES,
  UNTIL,
  WAITING,
} from './memory-rows.js';

/** An owner in a task: the number under which rows name it, the end of its lease, and what it holds. */
interface Lease {
  no: number;
  until: number;
  held: number;
}

/** Whether a job that falls due at `dueAt` may be claimed; see `Claim.longestWait`. */
function isDue(dueAt: number, now: number, longestWait = Number.POSITIVE_INFINITY): boolean {
  return dueAt <= now || (dueAt > now + longestWait && dueAt < Number.POSITIVE_INFINITY);
}

/** A task with its jobs. Every method is one step: nothing else happens between its beginning and its end. */
export class MemoryTask {
  /** Place among the tasks in the order in which they were inserted; never given twice. */
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

  readonly #rows = new MemoryRows();
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
    if (task.status === 'ingesting') this.#lease(task.owner, task.leaseUntil);
  }

  record(): TaskRecord {
    return {
      id: this.#id,
      no: this.no,
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
    this.#leases.clear();
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
    const claimed = claim === null ? [] : this.#claim(this.#lease(owner, claim.leaseUntil), claim, now);
    return {
      claimed,
      lost,
      counts: this.#rows.counts(),
      status: this.status,
      nextDueAt: this.#nextDueAt(owner, now, claim?.longestWait),
    };
  }

  renew(owner: string, leaseUntil: number): void {
    const lease = this.#leases.get(owner);
    if (lease !== undefined) lease.until = leaseUntil;
  }

  owners(): OwnerRecord[] {
    return [...this.#leases].map(([id, { until }]) => ({ id, leaseUntil: until }));
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

  resetFailed(limit: number, now: number, seqs?: readonly number[]): { reset: number; counts: JobCounts } {
    const rows = this.#rows;
    const failed = seqs === undefined ? this.#firstFailed(limit) : this.#failedAt(seqs);
    for (const row of failed) {
      rows.set(row, ATTEMPTS, 0);
      rows.set(row, THROTTLES, 0);
      this.#wait(row, now);
    }
    return { reset: failed.length, counts: rows.counts() };
  }

  #firstFailed(limit: number): number[] {
    const failed: number[] = [];
    for (let row = 0; failed.length < Math.min(limit, this.#rows.counts().failed); row += 1) {
      row = this.#rows.next('failed', row);
      failed.push(row);
    }
    return failed;
  }

  #failedAt(seqs: readonly number[]): number[] {
    return [...new Set(seqs)]
      .map((seq) => this.#rows.find(seq))
      .filter((row) => row >= 0 && this.#rows.is(row, FAILED));
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
      lease = { no: this.#lastLease, until, held: 0 };
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
        if (settlement.attempt === 'unused') rows.change(row, ATTEMPTS, -1);
        if (settlement.attempt === 'refused') rows.change(row, THROTTLES, 1);
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

  #finish(row: number, status: RowStatus, text: string | null, { startedAt, endedAt }: Settlement): void {
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

  #claim(lease: Lease, { limit, longestWait }: Claim, now: number): ClaimedJob[] {
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
    while (claimed.length < limit && isDue(this.#due.firstDueAt(), now, longestWait)) take(this.#due.pop());
    while (claimed.length < limit && this.#cursor < this.#rows.length) {
      if (this.#rows.is(this.#cursor, FRESH)) take(this.#cursor);
      this.#cursor += 1;
    }
    return claimed;
  }

  #crashesOf(row: number): number {
    return this.#crashes.size === 0 ? 0 : (this.#crashes.get(row) ?? 0);
  }

  #nextDueAt(owner: string, now: number, longestWait?: number): number | null {
    const due = this.#due.firstDueAt();
    let first = isDue(due, now, longestWait) ? Math.min(due, now) : due;
    for (const [other, lease] of this.#leases) {
      if (other !== owner && lease.until < first) first = lease.until;
    }
    return first === Number.POSITIVE_INFINITY ? null : first;
  }
}
