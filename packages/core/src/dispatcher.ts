// The loop of a run: wait, collect, exchange, start.
//
// The modes of a run, and what is true in each:
//   working   claims as many jobs as the controller admits
//   paused    claims nothing; running handlers finish and are recorded; left by resume(), here or in another process
//   ending    (stopped, halted, drained, or the storage failed) claims nothing; left when every handler is judged and
//             recorded; unless it drains, handlers are told to stop and given up after `stopGrace`
// It ends from any mode once every job of the task is settled, and when the task is gone.
import { nextTurn, type Timer } from './clock.js';
import { TaskHubError } from './errors.js';
import { MAX_HINT } from './hints.js';
import { givenBack, type JobsHost, JobsInHand, type Pacing } from './jobs-in-hand.js';
import { duration } from './limit/words.js';
import type { ExchangeResult, JobCounts, StorageAdapter, StoredTaskStatus } from './storage/contract.js';

/** How a run ended. */
export type RunEnd =
  | { kind: 'settled' }
  | { kind: 'stopped' }
  | { kind: 'halted'; error: TaskHubError }
  | { kind: 'deleted' };

/** What the dispatcher needs of the task it works for. */
export interface DispatcherHost extends JobsHost {
  store: StorageAdapter;
  owner: string;
  leaseMs: number;
  /** `no` of the task that the run began with. */
  no(): number | undefined;
  /** Whether inputs may still come from the source. */
  ingesting(): boolean;
  /** Told of the counts after every exchange. */
  changed(counts: JobCounts): void;
  /** Told of the stored status, unless a command of this process was on its way. */
  commanded(status: StoredTaskStatus): void;
  /** Takes over the jobs of owners that are known to be dead. */
  reclaim(): Promise<unknown>;
}

/** How often the store is asked while only other owners hold jobs, in ms; every fourth time it looks at the owners. */
const POLL_MS = 250;
const POLLS_PER_RECLAIM = 4;
/** How long handlers that were judged and run on may hold every slot, in ms. */
const STUCK_MS = 60_000;

/** Works through the jobs of one task, from `run()` until it resolves. */
export class Dispatcher {
  readonly #host: DispatcherHost;
  readonly #hand: JobsInHand;

  #counts: JobCounts | undefined;
  #nextDueAt: number | null = null;
  #paused = false;
  #end: RunEnd | undefined;
  #storageError: unknown;
  // Monotonic ms.
  #exchangedAt = Number.NEGATIVE_INFINITY;
  #exchanges = { begun: 0, ended: 0 };
  #graceUntil = Number.POSITIVE_INFINITY;
  #stuckUntil = Number.POSITIVE_INFINITY;
  #polls = 0;
  /** Wall time. */
  #leaseUntil = 0;
  /** Commands begun and ended; an exchange that overlaps one may have read an outdated status. */
  #commands = { open: 0, seen: 0 };

  #woken = true;
  #wakeUp: () => void = () => undefined;

  constructor(host: DispatcherHost) {
    this.#host = host;
    this.#hand = new JobsInHand(host, {
      // An answer that took longer than the lease brings jobs that others may have taken over.
      isOpen: () => this.#isWorking() && host.ports.clock.now() < this.#leaseUntil,
      wake: () => this.wake(),
      halt: (error) => this.stop({ kind: 'halted', error }),
    });
  }

  /**
   * Runs until every job is settled or something ends the run.
   *
   * @throws TaskHubError of the storage, once every handler has ended or was given up
   */
  async run(): Promise<RunEnd> {
    const { store, taskId, owner, ports } = this.#host;
    // A run that the storage broke may have left jobs in our name.
    await store.releaseJobs(taskId, { owner, crashed: false }, ports.clock.now());
    for (;;) {
      await this.#somethingToDo();
      // Jobs that end in the same turn of the event loop share one exchange.
      await nextTurn(ports.clock);
      await this.#step();
      const end = this.#whenOver();
      if (end === undefined) continue;
      if (this.#storageError !== undefined) throw this.#storageError;
      if (end.kind !== 'deleted')
        await store.releaseJobs(taskId, { owner, crashed: false }, ports.clock.now());
      // Jobs may have been put back meanwhile.
      if (end.kind !== 'settled' || !this.#woken) return end;
    }
  }

  /** What the controller admits now, in jobs. */
  get concurrency(): number {
    return this.#hand.concurrency;
  }

  /** What the controller does and why. */
  get pacing(): Pacing {
    return this.#hand.pacing;
  }

  /** Why no more jobs run although the controller would admit more, in words. */
  get shortage(): string | undefined {
    if (this.#counts === undefined || this.#hand.wait(this.#host.ports.clock.monotonic()) > 0)
      return undefined;
    const { total, completed, failed, pending, waiting } = this.#counts;
    if (pending === 0 && this.#host.ingesting()) return 'waiting for inputs from the source';
    if (pending === 0) return `at the end: ${total - completed - failed} jobs are left, and they run`;
    const due = this.#untilDue();
    return due > 0
      ? `waiting: ${waiting} jobs are to be tried again, the first in ${duration(due)}`
      : undefined;
  }

  /** Jobs that this run has settled by running their handler. */
  get ran(): number {
    return this.#hand.ran;
  }

  /** A slot is free again. */
  slotFreed(seq: number): void {
    this.#hand.slotFreed(seq);
  }

  /** Jobs were inserted, and these were the counts then. */
  inserted(counts: JobCounts): void {
    if (this.#isOutdated(counts)) return this.refresh();
    this.#learn(counts);
    this.wake();
  }

  #learn(counts: JobCounts): void {
    this.#counts = counts;
    this.#host.changed(counts);
  }

  /** Something outside has changed. */
  wake(): void {
    this.#woken = true;
    this.#wakeUp();
  }

  /** A command changes the stored status meanwhile: what exchanges read of it until then is not obeyed. */
  async during<T>(command: Promise<T>): Promise<T> {
    this.#commands.open += 1;
    try {
      return await command;
    } finally {
      this.#commands.open -= 1;
      this.#commands.seen += 1;
    }
  }

  /** Claims nothing more; running handlers finish. */
  pause(): void {
    this.#paused = true;
    this.#hand.giveBackParked();
    this.wake();
  }

  resume(): void {
    this.#paused = false;
    this.refresh();
  }

  /**
   * Failed jobs are put back, and the run goes on with them. The counts of the call are told if no exchange overlapped it:
   * which of the two is newer cannot be seen then.
   *
   * @returns their number
   */
  async reset(call: Promise<{ reset: number; counts: JobCounts }>): Promise<number> {
    const { begun, ended } = this.#exchanges;
    const { reset, counts } = await call;
    if (reset === 0) return 0;
    if (begun === ended && begun === this.#exchanges.begun && !this.#isOutdated(counts)) this.#learn(counts);
    this.refresh();
    return reset;
  }

  /** Asks the store at once: what is known of due jobs is old. */
  refresh(): void {
    this.#exchangedAt = Number.NEGATIVE_INFINITY;
    this.wake();
  }

  /** Ends the run when the running handlers have ended. */
  drain(): void {
    this.#end ??= { kind: 'stopped' };
    this.#hand.giveBackParked();
    this.wake();
  }

  /** Ends the run: running handlers are told to stop, and given up after `stopGrace`. */
  stop(end: RunEnd = { kind: 'stopped' }): void {
    if (this.#end === undefined || end.kind === 'deleted') this.#end = end;
    this.drain();
    const { clock } = this.#host.ports;
    this.#graceUntil = Math.min(this.#graceUntil, clock.monotonic() + this.#host.work().config.stopGrace);
    const reason = new TaskHubError('JOB_INTERRUPTED', 'The run was stopped. The job goes back to pending.');
    this.#hand.interrupt(reason);
  }

  // --- wait -----------------------------------------------------------------------------------------------------

  async #somethingToDo(): Promise<void> {
    const { clock } = this.#host.ports;
    const wait = this.#woken ? 0 : this.#untilNextStep();
    if (wait > 0) {
      let timer: Timer;
      await new Promise<void>((resolve) => {
        this.#wakeUp = resolve;
        timer = clock.setTimeout(resolve, wait);
      });
      clock.clearTimeout(timer);
    }
    this.#woken = false;
  }

  /** ms until a step has something to do without being woken. */
  #untilNextStep(): number {
    const now = this.#host.ports.clock.monotonic();
    const next = Math.min(this.#exchangeDueAt(), this.#graceUntil, this.#stuckUntil) - now;
    const claim = Math.max(this.#untilDue(), this.#isWorking() ? this.#hand.wait(now) : next);
    return Math.max(0, Math.min(next, claim));
  }

  /** When the store is asked although nothing happened here: to renew the lease and to hear of commands. */
  #exchangeDueAt(): number {
    if (this.#storageError !== undefined) return Number.POSITIVE_INFINITY;
    return this.#exchangedAt + (this.#waitsForOthers() ? POLL_MS : this.#host.leaseMs / 3);
  }

  /** ms until some pending job may be claimed; Infinity when there is none. */
  #untilDue(): number {
    const { pending = 0, waiting = 0 } = this.#counts ?? {};
    if (pending > waiting) return 0;
    if (this.#nextDueAt === null) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#nextDueAt - this.#host.ports.clock.now());
  }

  /** What is known of the counts is nothing, or old. */
  get #isToAsk(): boolean {
    return this.#exchangedAt === Number.NEGATIVE_INFINITY;
  }

  #isWorking(): boolean {
    return !this.#paused && this.#end === undefined;
  }

  #waitsForOthers(): boolean {
    const { active = 0, pending = 0 } = this.#counts ?? {};
    return this.#isWorking() && this.#hand.held === 0 && pending === 0 && active > 0;
  }

  // --- collect, exchange, start ---------------------------------------------------------------------------------

  async #step(): Promise<void> {
    const now = this.#host.ports.clock.monotonic();
    if (now >= this.#graceUntil) this.#hand.abandon();
    this.#watchStuck(now);
    const room = this.#isWorking() ? this.#hand.room(now) : 0;
    const hasNews = this.#hand.unrecorded > 0 || now >= this.#exchangeDueAt();
    if (!hasNews && (room === 0 || this.#untilDue() > 0)) return;
    // A storage that failed is tried once more, when all that could be recorded is there.
    if (this.#storageError === undefined || this.#hand.live === 0) await this.#exchange(room);
  }

  /** The end of our lease, moved only when a third of it is over: an unchanged one costs the store nothing. */
  #extendedLease(now: number): number {
    const { leaseMs } = this.#host;
    const left = this.#leaseUntil - now;
    if (left < (leaseMs * 2) / 3 || left > leaseMs) this.#leaseUntil = now + leaseMs;
    return this.#leaseUntil;
  }

  /** ms that a job may have to wait: for what an error asked for, or for its next attempt. */
  #longestWait(): number {
    return Math.max(MAX_HINT, this.#host.work().config.retry.maxDelay);
  }

  async #exchange(room: number): Promise<void> {
    const { store, taskId, owner, ports, no } = this.#host;
    if (this.#waitsForOthers() && ++this.#polls % POLLS_PER_RECLAIM === 0) await this.#host.reclaim();
    const now = ports.clock.now();
    const ended = this.#hand.take();
    const commands = this.#commands.seen;
    const heldUntil = this.#leaseUntil;
    this.#exchangedAt = ports.clock.monotonic(); // a refresh() that comes meanwhile asks once more
    this.#exchanges.begun += 1;
    let result: ExchangeResult;
    try {
      result = await store.exchange(taskId, {
        owner,
        no: no(),
        now,
        settle: ended.map(({ settlement }) => settlement),
        claim:
          this.#end === undefined || this.#hand.live > 0
            ? { limit: room, leaseUntil: this.#extendedLease(now), longestWait: this.#longestWait() }
            : null,
      });
    } catch (error) {
      // Tried once more. What cannot be recorded is not reported either; those jobs run again.
      if (this.#storageError === undefined) this.#hand.putBack(room > 0 ? ended.map(givenBack) : ended);
      return this.broken(error);
    } finally {
      this.#exchanges.ended += 1;
    }
    if (result.status === null) return this.stop({ kind: 'deleted' });
    this.#nextDueAt = result.nextDueAt;
    if (this.#isOutdated(result.counts)) this.refresh();
    else this.#learn(result.counts);
    this.#hand.announce(ended, result.lost);
    // Our lease may have passed before this exchange was done: what waits here for a handler may be run elsewhere.
    if (ports.clock.now() >= heldUntil) this.#hand.giveBackParked();
    if (this.#commands.open === 0 && commands === this.#commands.seen) this.#host.commanded(result.status);
    for (const claimed of result.claimed) this.#hand.start(claimed);
  }

  /** Whether counts are older than what we know: an exchange and an insert can overtake each other. */
  #isOutdated({ completed, total }: JobCounts): boolean {
    const known = this.#counts;
    return known !== undefined && (completed < known.completed || total < known.total);
  }

  /** The storage failed: ends the run when the running handlers have ended. */
  broken(error: unknown): void {
    this.#storageError ??= error;
    this.drain();
  }

  // --- the end --------------------------------------------------------------------------------------------------

  // Handlers that ignore their signal and hold every slot, or all jobs that are left, would let the run wait for ever.
  #watchStuck(now: number): void {
    const { handlers } = this.#host;
    const [isWaiting, due] = [this.#hand.parked > 0, this.#untilDue()];
    const isFull = this.#hand.wait(now) === Number.POSITIVE_INFINITY;
    const isStuck =
      this.#isWorking() &&
      handlers.size > 0 &&
      this.#hand.live === 0 &&
      (isFull ? isWaiting || due === 0 : isWaiting && due === Number.POSITIVE_INFINITY);
    if (!isStuck) this.#stuckUntil = Number.POSITIVE_INFINITY;
    else if (this.#stuckUntil === Number.POSITIVE_INFINITY) this.#stuckUntil = now + STUCK_MS;
    else if (now >= this.#stuckUntil) {
      const error = new TaskHubError(
        'HANDLERS_STUCK',
        `${handlers.size} handlers have ignored their signal and held every slot for 60 s. Pass ctx.signal on to ` +
          'what they wait for, then start() again.',
        { details: { handlers: handlers.size } },
      );
      this.stop({ kind: 'halted', error });
    }
  }

  #whenOver(): RunEnd | undefined {
    if (this.#end?.kind === 'deleted') return this.#hand.live === 0 ? this.#end : undefined;
    if (this.#hand.held > 0 || (this.#isToAsk && this.#storageError === undefined)) return undefined;
    const { total = -1, completed = 0, failed = 0 } = this.#counts ?? {};
    const isSettled = completed + failed === total && !this.#host.ingesting();
    if (this.#end?.kind === 'halted') return this.#end;
    return isSettled ? { kind: 'settled' } : this.#end;
  }
}
