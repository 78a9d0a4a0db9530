// The loop of a run: wait, collect, exchange, start.
//
// The modes of a run, and what is true in each:
//   working   claims as many jobs as the controller admits
//   paused    claims nothing; running handlers finish and are recorded; left by resume(), here or in another process
//   ending    (stopped, halted, drained, or the storage failed) claims nothing; left when every handler is judged and
//             recorded; unless it drains, handlers are told to stop and given up after `stopGrace`
// It ends from any mode once every job of the task is settled, and when the task is gone.
import { nextTurn, type Timer } from './clock.js';
import type { RunConfig } from './config.js';
import { TaskHubError } from './errors.js';
import type { EventEmitter } from './events.js';
import { HaltWatch, halted } from './halt.js';
import { idOf } from './ingest.js';
import { type ContextHost, HandlerContext } from './job-context.js';
import type { JobReader } from './job-view.js';
import { judge, type Verdict } from './judge.js';
import { Limiter } from './limit/limiter.js';
import type { Ports } from './ports.js';
import { type Outcome, RunningJob } from './run-job.js';
import { feedbackOf, recordOf, settlementOf } from './settle.js';
import type {
  ClaimedJob,
  ExchangeResult,
  JobCounts,
  JobRecord,
  Settlement,
  StorageAdapter,
  StoredTaskStatus,
} from './storage/contract.js';
import type { Codec, TaskEvents, TaskSourceLike } from './types.js';

/** How a run ended. */
export type RunEnd =
  | { kind: 'settled' }
  | { kind: 'stopped' }
  | { kind: 'halted'; error: TaskHubError }
  | { kind: 'deleted' };

/** What jobs are run with; may be replaced at any time, for the jobs started from then on. */
export interface Work {
  source: TaskSourceLike<unknown, unknown>;
  config: RunConfig;
  codec: Codec | undefined;
}

/** What the dispatcher needs of the task it works for. */
export interface DispatcherHost {
  taskId: string;
  store: StorageAdapter;
  owner: string;
  leaseMs: number;
  ports: Ports;
  work(): Work;
  jobs: JobReader;
  events: EventEmitter<TaskEvents>;
  /** Handlers of this task that run in this process, by `seq`. Outlives a run, as handlers that do not stop do. */
  handlers: Map<number, RunningJob>;
  /** A handler returned: tells the dispatcher that works now, which may be a later one. */
  returned(job: RunningJob): void;
  /** Whether inputs may still come from the source. */
  ingesting(): boolean;
  /** Told of the counts after every exchange. */
  changed(counts: JobCounts): void;
  /** Told of the stored status, unless a command of this process was on its way. */
  commanded(status: StoredTaskStatus): void;
  /** Takes over the jobs of owners that are known to be dead. */
  reclaim(): Promise<void>;
  report(error: unknown, where: string): void;
}

/** How often the store is asked while only other owners hold jobs, in ms; every fourth time it looks at the owners. */
const POLL_MS = 250;
const POLLS_PER_RECLAIM = 4;
/** How long handlers that were judged and run on may hold every slot, in ms. */
const STUCK_MS = 60_000;

/** The events that are about one job. */
type JobEvent = Extract<keyof TaskEvents, `job:${string}`>;

interface Ended {
  claimed: ClaimedJob;
  settlement: Settlement;
  verdict: Verdict;
}

/** Works through the jobs of one task, from `run()` until it resolves. */
export class Dispatcher {
  readonly #host: DispatcherHost;
  readonly #contextHost: ContextHost;
  readonly #halt = new HaltWatch();
  #limiter: Limiter;
  #limitedBy: RunConfig;

  /** Handlers of this run that are not judged yet. */
  readonly #live = new Set<RunningJob>();
  /** Claimed while the handler of an earlier attempt is still running: started when that returns. */
  readonly #parked = new Map<number, ClaimedJob>();
  /** Judged, to be recorded with the next exchange. */
  #outbox: Ended[] = [];

  #counts: JobCounts | undefined;
  #nextDueAt: number | null = null;
  #paused = false;
  #end: RunEnd | undefined;
  #storageError: TaskHubError | undefined;
  // Monotonic ms.
  #exchangedAt = Number.NEGATIVE_INFINITY;
  #graceUntil = Number.POSITIVE_INFINITY;
  #stuckUntil = Number.POSITIVE_INFINITY;
  #polls = 0;
  /** Wall time. */
  #leaseUntil = 0;
  /** Commands begun and ended; an exchange that overlaps one may have read an outdated status. */
  #commands = { open: 0, seen: 0 };

  #woken = true;
  #wakeUp: () => void = () => undefined;

  /** Jobs that this run has settled by running their handler. */
  ran = 0;

  constructor(host: DispatcherHost) {
    this.#host = host;
    this.#limitedBy = host.work().config;
    this.#limiter = new Limiter(this.#limitedBy, host.ports.clock.monotonic());
    this.#contextHost = {
      taskId: host.taskId,
      ports: host.ports,
      observed: (quota) => this.#limiter.observed(quota, host.handlers.size, host.ports.clock.monotonic()),
    };
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
    return this.#limiter.concurrency(this.#host.ports.clock.monotonic());
  }

  /** Something outside has changed: jobs were inserted, or the source has ended. */
  wake(counts?: JobCounts): void {
    if (counts !== undefined) this.#counts = counts;
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
    this.#giveBackParked();
    this.wake();
  }

  resume(): void {
    this.#paused = false;
    this.refresh();
  }

  /** Asks the store at once: what is known of due jobs is old. */
  refresh(): void {
    this.#exchangedAt = Number.NEGATIVE_INFINITY;
    this.wake();
  }

  /** Ends the run when the running handlers have ended. */
  drain(): void {
    this.#end ??= { kind: 'stopped' };
    this.#giveBackParked();
    this.wake();
  }

  /** Ends the run: running handlers are told to stop, and given up after `stopGrace`. */
  stop(end: RunEnd = { kind: 'stopped' }): void {
    if (this.#end === undefined || end.kind === 'deleted') this.#end = end;
    this.drain();
    const { clock } = this.#host.ports;
    this.#graceUntil = Math.min(this.#graceUntil, clock.monotonic() + this.#host.work().config.stopGrace);
    const reason = new TaskHubError('JOB_INTERRUPTED', 'The run was stopped. The job goes back to pending.');
    for (const job of this.#live) job.interrupt(reason);
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
    const claim = Math.max(
      this.#untilDue(),
      this.#isWorking() ? this.#limiter.wait(this.#host.handlers.size, now) : next,
    );
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

  #isWorking(): boolean {
    return !this.#paused && this.#end === undefined;
  }

  #waitsForOthers(): boolean {
    const { active = 0, pending = 0 } = this.#counts ?? {};
    return this.#isWorking() && this.#held() === 0 && pending === 0 && active > 0;
  }

  /** Jobs that are in our hands as far as the store knows. */
  #held(): number {
    return this.#live.size + this.#parked.size + this.#outbox.length;
  }

  // --- collect, exchange, start ---------------------------------------------------------------------------------

  async #step(): Promise<void> {
    const now = this.#host.ports.clock.monotonic();
    if (now >= this.#graceUntil) for (const job of this.#live) job.abandon();
    this.#watchStuck(now);
    const room = this.#room(now);
    const hasNews = this.#outbox.length > 0 || now >= this.#exchangeDueAt();
    if (!hasNews && (room === 0 || this.#untilDue() > 0)) return;
    // A storage that failed is tried once more, when all that could be recorded is there.
    if (this.#storageError === undefined || this.#live.size === 0) await this.#exchange(room);
  }

  /** How many jobs to claim. */
  #room(now: number): number {
    if (!this.#isWorking()) return 0;
    const { config } = this.#host.work();
    if (config !== this.#limitedBy) {
      this.#limitedBy = config;
      this.#limiter = new Limiter(config, now);
    }
    return this.#limiter.room(this.#host.handlers.size, now);
  }

  /** The end of our lease, moved only when a third of it is over: an unchanged one costs the store nothing. */
  #extendedLease(now: number): number {
    const { leaseMs } = this.#host;
    const left = this.#leaseUntil - now;
    if (left < (leaseMs * 2) / 3 || left > leaseMs) this.#leaseUntil = now + leaseMs;
    return this.#leaseUntil;
  }

  async #exchange(room: number): Promise<void> {
    const { store, taskId, owner, ports } = this.#host;
    if (this.#waitsForOthers() && ++this.#polls % POLLS_PER_RECLAIM === 0) await this.#host.reclaim();
    const now = ports.clock.now();
    const ended = this.#outbox;
    this.#outbox = [];
    const commands = this.#commands.seen;
    let result: ExchangeResult;
    try {
      result = await store.exchange(taskId, {
        owner,
        now,
        settle: ended.map(({ settlement }) => settlement),
        claim:
          this.#end === undefined || this.#live.size > 0
            ? { limit: room, leaseUntil: this.#extendedLease(now) }
            : null,
      });
    } catch (error) {
      // Tried once more. What cannot be recorded is not reported either; those jobs run again.
      if (this.#storageError === undefined) this.#outbox = [...ended, ...this.#outbox];
      return this.broken(error);
    }
    this.#exchangedAt = ports.clock.monotonic();
    if (result.status === null) return this.stop({ kind: 'deleted' });
    this.#counts = result.counts;
    this.#nextDueAt = result.nextDueAt;
    this.#host.changed(result.counts);
    this.#announce(ended, result.lost);
    if (this.#commands.open === 0 && commands === this.#commands.seen) this.#host.commanded(result.status);
    for (const claimed of result.claimed) this.#start(claimed);
  }

  /** The storage failed: ends the run when the running handlers have ended. */
  broken(error: unknown): void {
    this.#storageError ??=
      error instanceof TaskHubError
        ? error
        : new TaskHubError('STORAGE_FAILED', 'The storage failed while the task ran.', { cause: error });
    this.drain();
  }

  /** Tells the listeners what was recorded. */
  #announce(ended: Ended[], lost: number[]): void {
    for (const { claimed, settlement, verdict } of ended) {
      if (lost.includes(claimed.seq)) continue;
      if (verdict.kind === 'completed' || (settlement.outcome === 'failed' && settlement.ran)) this.ran += 1;
      const record = (): JobRecord => recordOf(claimed, settlement);
      if (verdict.kind === 'completed') this.#tell('job:complete', record);
      else if (verdict.kind === 'failed') this.#tell('job:failed', record, verdict.error);
      else if (verdict.kind !== 'interrupted' && verdict.kind !== 'fatal')
        this.#tell('job:retry', record, claimed.attempts);
    }
  }

  /** Emits an event about a job, which is built only if somebody listens. A codec that cannot read it is reported. */
  #tell(event: JobEvent, record: () => JobRecord, ...rest: unknown[]): void {
    const { events, jobs, report } = this.#host;
    if (!events.has(event)) return;
    try {
      // The status of the record and the rest are those of the event.
      (events.emit as (...args: unknown[]) => void).call(events, event, jobs.view(record()), ...rest);
    } catch (error) {
      report(error, `reading the job of "${event}"`);
    }
  }

  #start(claimed: ClaimedJob): void {
    const { handlers, ports, jobs } = this.#host;
    const { source, config } = this.#host.work();
    // What ended while the store was asked may have closed the gate.
    const isAdmitted = this.#isWorking() && this.#limiter.wait(handlers.size, ports.clock.monotonic()) === 0;
    if (!isAdmitted) return this.#giveBack(claimed);
    if (handlers.has(claimed.seq)) {
      this.#parked.set(claimed.seq, claimed);
      return this.wake();
    }
    if (claimed.crashes >= config.retry.maxCrashes) return this.#poisoned(claimed);

    const context = new HandlerContext(this.#contextHost, idOf(claimed), claimed.attempts);
    const job = new RunningJob({
      claimed,
      context,
      clock: ports.clock,
      call: () => source.handler(jobs.decode(claimed.input), context),
      timeout: config.timeout,
      level: handlers.size + 1,
      ended: this.#ended,
      returned: (returned) => this.#host.returned(returned),
    });
    handlers.set(claimed.seq, job);
    this.#live.add(job);
    this.#limiter.sent(job.sentAt);
    this.#tell('job:start', () => recordOf(claimed, job));
    job.start();
  }

  #poisoned(claimed: ClaimedJob): void {
    const { crashes } = claimed;
    const error = new TaskHubError(
      'JOB_POISONED',
      `The process died ${crashes} times while it ran this job, so it is not run again. retryFailed() puts it back.`,
      { details: { crashes } },
    );
    const now = this.#host.ports.clock.now();
    const times = { startedAt: now, endedAt: now };
    this.#record(claimed, { kind: 'failed', error }, { ...times, ran: false });
  }

  // --- a handler has ended --------------------------------------------------------------------------------------

  /** A slot is free again. */
  slotFreed(seq: number): void {
    const parked = this.#parked.get(seq);
    if (this.#parked.delete(seq) && parked !== undefined) this.#start(parked);
    this.wake();
  }

  readonly #ended = (job: RunningJob, outcome: Outcome): void => {
    const { work, ports, handlers, events, report } = this.#host;
    const { source, config, codec } = work();
    const { claimed } = job;
    this.#live.delete(job);
    const now = ports.clock.now();
    const verdict = judge(outcome, claimed, { source, config, codec, random: ports.random, now, report });

    const inFlight = handlers.size - (handlers.get(claimed.seq) === job ? 1 : 0);
    const monotonic = ports.clock.monotonic();
    const feedback = feedbackOf(job, outcome, verdict, inFlight);
    const decreased = this.#limiter.received(feedback, monotonic);
    if (decreased && feedback.kind === 'refused') events.emit('rate-limited', this.concurrency);

    if (verdict.kind === 'fatal') {
      this.stop({ kind: 'halted', error: halted(`halt.when: ${verdict.error.message}`, {}, verdict.error) });
    }
    this.#record(claimed, verdict, { startedAt: job.startedAt, endedAt: now, ran: true });
  };

  #record(
    claimed: ClaimedJob,
    verdict: Verdict,
    times: { startedAt: number; endedAt: number; ran: boolean },
  ): void {
    this.#outbox.push({ claimed, verdict, settlement: settlementOf(claimed.seq, verdict, times) });
    if (verdict.kind === 'completed' || verdict.kind === 'failed') {
      const error = this.#halt.settled(verdict.kind === 'failed', this.#host.work().config.halt);
      if (error !== undefined) this.stop({ kind: 'halted', error });
    }
    this.wake();
  }

  #giveBack(claimed: ClaimedJob): void {
    const now = this.#host.ports.clock.now();
    this.#record(claimed, { kind: 'interrupted' }, { startedAt: now, endedAt: now, ran: false });
  }

  #giveBackParked(): void {
    for (const claimed of this.#parked.values()) this.#giveBack(claimed);
    this.#parked.clear();
  }

  // --- the end --------------------------------------------------------------------------------------------------

  // Handlers that ignore their signal and hold every slot, or all jobs that are left, would let the run wait for ever.
  #watchStuck(now: number): void {
    const { handlers } = this.#host;
    const [isWaiting, due] = [this.#parked.size > 0, this.#untilDue()];
    const isFull = this.#limiter.wait(handlers.size, now) === Number.POSITIVE_INFINITY;
    const isStuck =
      this.#isWorking() &&
      handlers.size > 0 &&
      this.#live.size === 0 &&
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
    if (this.#end?.kind === 'deleted') return this.#live.size === 0 ? this.#end : undefined;
    if (this.#held() > 0 || (this.#counts === undefined && this.#storageError === undefined))
      return undefined;
    const { total = -1, completed = 0, failed = 0 } = this.#counts ?? {};
    const isSettled = completed + failed === total && !this.#host.ingesting();
    if (this.#end?.kind === 'halted') return this.#end;
    return isSettled ? { kind: 'settled' } : this.#end;
  }
}
