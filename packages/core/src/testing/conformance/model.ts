// A store as lists that are searched from end to end for everything: too simple to be wrong.
import type {
  Exchange,
  ExchangeResult,
  InsertResult,
  JobCounts,
  JobRecord,
  NewJob,
  NewTask,
  OwnerRecord,
  Settlement,
  StoredTaskStatus,
  TaskPatch,
  TaskRecord,
} from '../../storage/contract.js';
import { hex, NO_COUNTS, type Plain } from './fixtures.js';

type ModelJob = Plain<JobRecord> & { crashes: number; owner: string | null; fresh: boolean };

/** What a task that is gone says to an exchange. */
export function gone(settle: readonly Settlement[]): ExchangeResult {
  return {
    claimed: [],
    lost: settle.map(({ seq }) => seq),
    counts: NO_COUNTS,
    status: null,
    nextDueAt: null,
  };
}

/** One task. Its number is what the store gave it. */
export class ModelTask {
  readonly jobs: ModelJob[] = [];
  readonly leases: Map<string, number> = new Map();
  readonly no: number;
  readonly #task: NewTask;
  status: StoredTaskStatus;
  #options: string;
  #ingested = false;
  #duplicates = 0;
  #updatedAt: number;

  constructor(no: number, task: NewTask) {
    this.no = no;
    this.#task = task;
    this.status = task.status;
    this.#options = task.options;
    this.#updatedAt = task.now;
  }

  record(): TaskRecord {
    const { id, name, now } = this.#task;
    return {
      id,
      no: this.no,
      name,
      status: this.status,
      root: null,
      options: this.#options,
      ingested: this.#ingested,
      lastSeq: this.jobs.at(-1)?.seq ?? 0,
      counts: this.counts(),
      duplicates: this.#duplicates,
      reused: 0,
      createdAt: now,
      updatedAt: this.#updatedAt,
    };
  }

  transition(from: readonly StoredTaskStatus[], patch: TaskPatch, now: number): TaskRecord | null {
    if (!from.includes(this.status)) return null;
    this.status = patch.status ?? this.status;
    this.#options = patch.options ?? this.#options;
    this.#ingested = patch.ingested ?? this.#ingested;
    this.#duplicates = patch.duplicates ?? this.#duplicates;
    this.#updatedAt = now;
    return this.record();
  }

  insert(batch: readonly NewJob[], { now, last }: { now: number; last: boolean }): InsertResult {
    const duplicates: { at: number; seq: number; sameInput: boolean }[] = [];
    for (const [at, { seq, hash, key, input }] of batch.entries()) {
      const known = this.jobs.find((job) => job.hash === hex(hash));
      if (known !== undefined) duplicates.push({ at, seq: known.seq, sameInput: known.input === input });
      else this.jobs.push(freshJob(Math.max(seq, (this.jobs.at(-1)?.seq ?? 0) + 1), hex(hash), key, input));
    }
    if (last && !this.#ingested) this.#endIngest(now);
    return { inserted: batch.length - duplicates.length, duplicates, reused: 0, counts: this.counts() };
  }

  #endIngest(now: number): void {
    this.#ingested = true;
    this.#updatedAt = now;
  }

  exchange({ owner, now, settle, claim }: Exchange): ExchangeResult {
    const lost: number[] = [];
    for (const settlement of settle) {
      const job = this.jobs.find(({ seq }) => seq === settlement.seq);
      if (job?.owner === owner) settleJob(job, settlement);
      else lost.push(settlement.seq);
    }
    for (const [other, until] of this.leases) {
      if (other !== owner && until <= now) this.release(other, true, now);
    }
    const claimed: ModelJob[] = [];
    if (claim !== null) {
      this.leases.set(owner, claim.leaseUntil);
      const due = this.jobs.filter((job) => job.dueAt !== null && job.dueAt <= now);
      due.sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || a.seq - b.seq);
      claimed.push(...[...due, ...this.jobs.filter((job) => job.fresh)].slice(0, claim.limit));
      for (const job of claimed) {
        Object.assign(job, { status: 'active', fresh: false, owner, startedAt: now, dueAt: null });
        job.attempts += 1;
      }
    }
    return {
      claimed: claimed.map(({ seq, hash, key, input, attempts, throttles, crashes, error }) => {
        return { seq, hash: bytes(hash), key, input, attempts, throttles, crashes, error };
      }),
      lost,
      counts: this.counts(),
      status: this.status,
      nextDueAt: this.#nextDueAt(owner),
    };
  }

  release(owner: string, crashed: boolean, now: number): number {
    const held = this.jobs.filter((job) => job.owner === owner);
    for (const job of held) {
      putBack(job, now);
      if (crashed) job.crashes += 1;
      else job.attempts -= 1;
    }
    this.leases.delete(owner);
    return held.length;
  }

  reset(limit: number, now: number, seqs?: readonly number[]): { reset: number; counts: JobCounts } {
    const failed = this.jobs.filter((job) => job.status === 'failed');
    const chosen =
      seqs === undefined ? failed.slice(0, limit) : failed.filter(({ seq }) => seqs.includes(seq));
    for (const job of chosen) {
      putBack(job, now);
      Object.assign(job, { attempts: 0, throttles: 0, crashes: 0, endedAt: null });
    }
    return { reset: chosen.length, counts: this.counts() };
  }

  owners(): OwnerRecord[] {
    return [...this.leases].map(([id, leaseUntil]) => ({ id, leaseUntil }));
  }

  rows(): Plain<JobRecord>[] {
    return this.jobs.map(({ crashes: _crashes, owner: _owner, fresh: _fresh, ...row }) => row);
  }

  counts(): JobCounts {
    const count = (test: (job: ModelJob) => boolean): number => this.jobs.filter(test).length;
    return {
      total: this.jobs.length,
      pending: count((job) => job.status === 'pending'),
      waiting: count((job) => job.dueAt !== null),
      active: count((job) => job.status === 'active'),
      completed: count((job) => job.status === 'completed'),
      failed: count((job) => job.status === 'failed'),
    };
  }

  #nextDueAt(owner: string): number | null {
    const due = this.jobs.flatMap((job) => (job.dueAt === null ? [] : [job.dueAt]));
    const ends = this.owners()
      .filter(({ id }) => id !== owner)
      .map(({ leaseUntil }) => leaseUntil);
    const first = Math.min(...due, ...ends);
    return first === Number.POSITIVE_INFINITY ? null : first;
  }
}

function freshJob(seq: number, hash: string, key: string | null, input: string): ModelJob {
  const times = { startedAt: null, endedAt: null, dueAt: null };
  const nothing = { attempts: 0, throttles: 0, crashes: 0, output: null, error: null, owner: null };
  return { seq, hash, key, input, status: 'pending', fresh: true, ...times, ...nothing };
}

function putBack(job: ModelJob, dueAt: number): void {
  Object.assign(job, { status: 'pending', owner: null, startedAt: null, dueAt });
}

function settleJob(job: ModelJob, settlement: Settlement): void {
  const { startedAt, endedAt } = settlement;
  if (settlement.outcome === 'completed') {
    const { output } = settlement;
    Object.assign(job, { status: 'completed', owner: null, startedAt, endedAt, output, error: null });
  } else if (settlement.outcome === 'failed') {
    Object.assign(job, { status: 'failed', owner: null, startedAt, endedAt, error: settlement.error });
    if (settlement.attempt === 'unused') job.attempts -= 1;
    if (settlement.attempt === 'refused') job.throttles += 1;
  } else {
    putBack(job, settlement.dueAt);
    if (settlement.outcome === 'interrupted') job.attempts -= 1;
    else job.error = settlement.error;
    if (settlement.outcome === 'throttled') job.throttles += 1;
  }
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, at) => Number.parseInt(text.slice(at * 2, at * 2 + 2), 16));
}
