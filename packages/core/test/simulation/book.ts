// What the store was told about one task, kept a second time in the plainest way, and what must hold of it.
import type {
  Exchange,
  ExchangeResult,
  InsertResult,
  JobCounts,
  JobRecord,
  NewJob,
  Settlement,
} from '../../src/storage/contract.js';
import type { JobStatus } from '../../src/types.js';
import type { Plan } from './plan.js';

/** One call of a handler. */
export interface Call {
  n: number;
  process: string;
  /** Monotonic ms. */
  startedAt: number;
  /** Its signal was aborted. */
  isTold: boolean;
  end?: { at: number; kind: 'returned' | 'breaks' | 'is refused' | 'fails'; output?: string };
  /** A call of the store failed while it ran or was to be recorded. */
  isExcused: boolean;
  /** How many exchanges of its process had failed when it began. */
  failures: number;
  /** How often it was recorded. */
  recorded: number;
}

/** A job as the book has it. */
export interface Entry {
  seq: number;
  n: number;
  status: JobStatus;
  owner: string | null;
  attempts: number;
  throttles: number;
  crashes: number;
  output: string | null;
  /** How often it became failed. */
  failures: number;
}

export class Book {
  readonly #plan: Plan;
  readonly #problem: (text: string) => void;
  readonly entries = new Map<number, Entry>();
  readonly byInput = new Map<number, Entry>();
  readonly #leases = new Map<string, number>();
  readonly counts: Record<JobStatus | 'total', number> = {
    total: 0,
    pending: 0,
    active: 0,
    completed: 0,
    failed: 0,
  };
  #lastSeq = 0;

  constructor(plan: Plan, problem: (text: string) => void) {
    this.#plan = plan;
    this.#problem = problem;
  }

  inserted(jobs: readonly NewJob[], { duplicates, counts }: InsertResult): void {
    const known = new Set(duplicates.map(({ at }) => at));
    for (const [at, { seq, input }] of jobs.entries()) {
      if (known.has(at)) continue;
      this.#lastSeq = Math.max(seq, this.#lastSeq + 1);
      const { n } = JSON.parse(input) as { n: number };
      if (this.byInput.has(n)) this.#problem(`input ${n} became two jobs`);
      const nothing = { owner: null, attempts: 0, throttles: 0, crashes: 0, output: null, failures: 0 };
      const entry: Entry = { seq: this.#lastSeq, n, status: 'pending', ...nothing };
      this.entries.set(entry.seq, entry);
      this.byInput.set(n, entry);
      this.counts.pending += 1;
      this.counts.total += 1;
    }
    this.#sameCounts(counts, 'insertJobs');
  }

  /** @param callOf - the call of this process that a settlement of an input can only be about */
  exchanged(batch: Exchange, result: ExchangeResult, callOf: (n: number) => Call | undefined): void {
    const { owner, now, settle, claim } = batch;
    for (const settlement of settle) {
      const entry = this.entries.get(settlement.seq);
      const isLost = result.lost.includes(settlement.seq);
      const isHeld = entry?.status === 'active' && entry.owner === owner;
      if (isHeld === isLost) this.#problem(`job ${settlement.seq}: held ${isHeld}, lost ${isLost}`);
      const call = entry === undefined ? undefined : callOf(entry.n);
      if (entry !== undefined && isHeld) this.#settle(entry, settlement, call);
      // Lost, and done with; but if the answer does not come, it is settled once more, and may be ours again by then.
      else if (call !== undefined && settlement.outcome !== 'interrupted' && !call.isExcused)
        call.recorded += 1;
    }
    for (const [other, until] of this.#leases)
      if (other !== owner && until <= now) this.released(other, true);
    if (claim !== null) this.#leases.set(owner, claim.leaseUntil);
    for (const { seq, attempts, throttles, crashes } of result.claimed) {
      const entry = this.entries.get(seq);
      if (entry?.status !== 'pending') this.#problem(`job ${seq} is claimed and was ${entry?.status}`);
      if (entry === undefined) continue;
      this.#move(entry, 'active');
      entry.owner = owner;
      entry.attempts += 1;
      const said = [attempts, throttles, crashes].join();
      const kept = [entry.attempts, entry.throttles, entry.crashes].join();
      if (said !== kept) this.#problem(`job ${seq}: claimed with counters ${said}, not ${kept}`);
    }
    if (result.claimed.length > (claim?.limit ?? 0)) this.#problem('more claimed than asked for');
    this.#sameCounts(result.counts, 'exchange');
  }

  renewed(owner: string, leaseUntil: number): void {
    if (this.#leases.has(owner)) this.#leases.set(owner, leaseUntil);
  }

  /** What an owner held is given back. */
  released(owner: string, crashed: boolean): void {
    this.#leases.delete(owner);
    for (const entry of this.heldBy(owner)) {
      this.#putBack(entry);
      if (crashed) entry.crashes += 1;
      else entry.attempts -= 1;
    }
  }

  hasLease(owner: string): boolean {
    return this.#leases.has(owner);
  }

  heldBy(owner: string): Entry[] {
    return this.counts.active === 0
      ? []
      : [...this.entries.values()].filter((entry) => entry.owner === owner);
  }

  reset(limit: number): void {
    const failed = [...this.entries.values()].filter(({ status }) => status === 'failed').slice(0, limit);
    for (const entry of failed) {
      this.#putBack(entry);
      Object.assign(entry, { attempts: 0, throttles: 0, crashes: 0 });
    }
  }

  /** What a job was claimed for may run now. */
  started(entry: Entry | undefined, owner: string, attempt: number, now: number): void {
    // Leases are worth nothing then, or the task may be gone since the claim, and another have its id.
    if (this.#plan.clockJumps || this.#plan.destroys) return;
    if ((this.#leases.get(owner) ?? 0) <= now)
      this.#problem(`job ${entry?.seq} starts after the lease has ended`);
    if (entry?.status !== 'active' || entry.owner !== owner)
      this.#problem(`job ${entry?.seq} starts and is ${entry?.status}, held by ${entry?.owner ?? 'nobody'}`);
    else if (entry.attempts !== attempt)
      this.#problem(`job ${entry.seq}: attempt ${attempt} starts, ${entry.attempts} are charged`);
    if (entry !== undefined && entry.crashes >= this.#plan.config.retry.maxCrashes)
      this.#problem(`job ${entry.seq} starts after ${entry.crashes} deaths`);
  }

  /** The rows of the store are those of the book. */
  sameRows(rows: readonly JobRecord[], counts: JobCounts): void {
    this.#sameCounts(counts, 'rows');
    if (rows.length !== this.entries.size) this.#problem(`${rows.length} rows, not ${this.entries.size}`);
    for (const { seq, status, attempts, throttles, output } of rows) {
      const entry = this.entries.get(seq);
      const said = JSON.stringify([status, attempts, throttles, output]);
      const kept = JSON.stringify([entry?.status, entry?.attempts, entry?.throttles, entry?.output]);
      if (said !== kept) this.#problem(`job ${seq}: the row says ${said}, the book ${kept}`);
    }
  }

  #settle(entry: Entry, settlement: Settlement, call: Call | undefined): void {
    const { retry, timeout } = this.#plan.config;
    const fault = (text: string): void =>
      this.#problem(`job ${entry.seq} is recorded ${settlement.outcome}: ${text}`);
    const end = call?.end;
    const timesOutAt = (call?.startedAt ?? 0) + timeout;
    const isLate = (end?.at ?? Infinity) >= timesOutAt;
    const spent = entry.attempts - entry.throttles;
    const needsCall =
      settlement.outcome !== 'interrupted' &&
      !(settlement.outcome === 'failed' && settlement.attempt === 'unused');
    if (needsCall) {
      if (call === undefined) return fault('its handler was not called');
      if (call.recorded > 0) fault('this call is recorded already');
      call.recorded += 1;
    }
    switch (settlement.outcome) {
      case 'completed':
        if (end?.kind !== 'returned') fault(`the handler ${end?.kind ?? 'still runs'}`);
        else if (end.output !== settlement.output) fault(`with ${settlement.output}, not ${end.output}`);
        if (end !== undefined && end.at > timesOutAt && !this.#plan.blocks)
          fault('it answered after its timeout');
        break;
      case 'failed':
        if (settlement.attempt === 'unused' && entry.crashes < retry.maxCrashes)
          fault(`after ${entry.crashes} deaths`);
        if (settlement.attempt !== 'unused' && !isLate && end?.kind === 'breaks' && spent < retry.maxAttempts)
          fault(`after ${spent} of ${retry.maxAttempts} attempts`);
        if (
          settlement.attempt !== 'unused' &&
          !isLate &&
          end?.kind === 'is refused' &&
          entry.throttles + 1 < retry.maxThrottles
        )
          fault(`after ${entry.throttles} refusals`);
        if (settlement.attempt === 'refused' && end?.kind !== 'is refused') fault('it was not refused');
        break;
      case 'retry':
        if (!isLate && end?.kind !== 'breaks') fault(`the handler ${end?.kind ?? 'still runs'}`);
        if (spent >= retry.maxAttempts) fault(`after ${spent} of ${retry.maxAttempts} attempts`);
        if (settlement.dueAt < settlement.endedAt) fault('due in the past');
        break;
      case 'throttled':
        if (end?.kind !== 'is refused') fault(`the handler ${end?.kind ?? 'still runs'}`);
        break;
      case 'interrupted':
        if (call !== undefined && call.recorded === 0 && !call.isTold && !call.isExcused)
          fault('its handler was not told to stop');
        if (call !== undefined) call.recorded += 1;
    }
    entry.owner = null;
    if (settlement.outcome === 'completed' || settlement.outcome === 'failed') {
      this.#move(entry, settlement.outcome);
      if (settlement.outcome === 'completed') entry.output = settlement.output;
      else entry.failures += 1;
      if (settlement.outcome === 'failed' && settlement.attempt === 'unused') entry.attempts -= 1;
      if (settlement.outcome === 'failed' && settlement.attempt === 'refused') entry.throttles += 1;
    } else {
      this.#putBack(entry);
      if (settlement.outcome === 'interrupted') entry.attempts -= 1;
      if (settlement.outcome === 'throttled') entry.throttles += 1;
    }
  }

  #putBack(entry: Entry): void {
    this.#move(entry, 'pending');
    entry.owner = null;
  }

  #move(entry: Entry, to: JobStatus): void {
    if (entry.status === 'completed') this.#problem(`job ${entry.seq} was completed and is ${to}`);
    this.counts[entry.status] -= 1;
    this.counts[to] += 1;
    entry.status = to;
  }

  #sameCounts(counts: JobCounts, where: string): void {
    const { waiting: _waiting, ...rest } = counts;
    const keys = ['total', 'pending', 'active', 'completed', 'failed'] as const;
    if (keys.some((key) => rest[key] !== this.counts[key]))
      this.#problem(`${where}: counters ${JSON.stringify(rest)}, not ${JSON.stringify(this.counts)}`);
  }
}
