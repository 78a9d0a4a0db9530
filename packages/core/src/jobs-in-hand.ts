// The jobs that this process holds in one run, from the claim to the record; and the controller that admits them.
import type { RunConfig } from './config.js';
import { TaskHubError } from './errors.js';
import type { EventEmitter } from './events.js';
import { HaltWatch, halted } from './halt.js';
import { type ContextHost, HandlerContext } from './job-context.js';
import type { JobReader } from './job-view.js';
import { judge, type Verdict } from './judge.js';
import type { Explanation } from './limit/controller.js';
import { Limiter } from './limit/limiter.js';
import type { Ports } from './ports.js';
import { type Outcome, RunningJob } from './run-job.js';
import { feedbackOf, recordOf, settlementOf } from './settle.js';
import type { ClaimedJob, JobRecord, Settlement } from './storage/contract.js';
import type { Codec, TaskEvents, TaskSourceLike } from './types.js';

/** What jobs are run with; may be replaced at any time, for the jobs started from then on. */
export interface Work {
  source: TaskSourceLike<unknown, unknown>;
  config: RunConfig;
  codec: Codec | undefined;
}

/** What running a job needs of its task. */
export interface JobsHost {
  taskId: string;
  ports: Ports;
  work(): Work;
  jobs: JobReader;
  events: EventEmitter<TaskEvents>;
  /** Handlers of this task that run in this process, by `seq`. Outlives a run, as handlers that do not stop do. */
  handlers: Map<number, RunningJob>;
  /** A handler returned: tells the run that goes on now, which may be a later one. */
  returned(job: RunningJob): void;
  report(error: unknown, where: string): void;
}

/** How a run is paced at one moment. */
export interface Pacing extends Explanation {
  /** Jobs that may run at once. */
  limit: number;
  /** Handlers that run. */
  inFlight: number;
  /** Calls that were refused since the run began. */
  refusals: number;
}

/** What a run tells its jobs, and is told by them. */
export interface JobsRun {
  /** Whether jobs may be started. */
  isOpen(): boolean;
  /** There is something to record, or a slot is free. */
  wake(): void;
  /** The `halt` option ends the run. */
  halt(error: TaskHubError): void;
}

/** The events that are about one job. */
type JobEvent = Extract<keyof TaskEvents, `job:${string}`>;

/** A judged job on its way to the store. */
export interface Ended {
  claimed: ClaimedJob;
  settlement: Settlement;
  verdict: Verdict;
}

/**
 * The same job without an attempt charged, unless it is settled for good. For a batch of which it is not known whether
 * it was recorded: the same call may have claimed the job again, and then a second record would charge it twice.
 */
export function givenBack(ended: Ended): Ended {
  const { claimed, settlement } = ended;
  if (settlement.outcome === 'completed' || settlement.outcome === 'failed') return ended;
  const { seq, startedAt, endedAt, dueAt } = settlement;
  return {
    claimed,
    verdict: { kind: 'interrupted' },
    settlement: { seq, startedAt, endedAt, dueAt, outcome: 'interrupted' },
  };
}

/** Starts claimed jobs, judges what comes back, and keeps it until it is recorded. */
export class JobsInHand {
  readonly #host: JobsHost;
  readonly #contextHost: ContextHost;
  readonly #watch = new HaltWatch();
  readonly #isOpen: () => boolean;
  readonly #wake: () => void;
  readonly #halt: (error: TaskHubError) => void;
  #limiter: Limiter;
  #limitedBy: RunConfig;
  /** Calls that were refused under earlier limiters of this run. */
  #refused = 0;

  /** Handlers that are not judged yet. */
  readonly #live = new Set<RunningJob>();
  /** Claimed while the handler of an earlier attempt is still running: started when that returns. */
  readonly #parked = new Map<number, ClaimedJob>();
  /** Judged, to be recorded with the next exchange. */
  #outbox: Ended[] = [];

  /** Jobs that were settled by running their handler. */
  ran = 0;

  constructor(host: JobsHost, { isOpen, wake, halt }: JobsRun) {
    this.#host = host;
    this.#isOpen = isOpen;
    this.#wake = wake;
    this.#halt = halt;
    this.#limitedBy = host.work().config;
    this.#limiter = new Limiter(this.#limitedBy, host.ports.clock.monotonic());
    this.#contextHost = {
      taskId: host.taskId,
      ports: host.ports,
      observed: (quota, sends) =>
        this.#limiter.observed(quota, sends, host.handlers.size, host.ports.clock.monotonic()),
    };
  }

  /** Handlers that are not judged yet. */
  get live(): number {
    return this.#live.size;
  }

  /** Jobs that wait for the handler of an earlier attempt. */
  get parked(): number {
    return this.#parked.size;
  }

  /** Judged jobs that are not recorded yet. */
  get unrecorded(): number {
    return this.#outbox.length;
  }

  /** Jobs that are in our hands as far as the store knows. */
  get held(): number {
    return this.live + this.parked + this.unrecorded;
  }

  /** What the controller admits now, in jobs. */
  get concurrency(): number {
    return this.#limiter.concurrency(this.#host.ports.clock.monotonic());
  }

  /** What the controller does and why, and what it has met so far. */
  get pacing(): Pacing {
    const now = this.#host.ports.clock.monotonic();
    return {
      ...this.#limiter.explain(now),
      limit: this.#limiter.concurrency(now),
      inFlight: this.#host.handlers.size,
      refusals: this.#refused + this.#limiter.refusals,
    };
  }

  /** How many jobs may be started now. */
  room(now: number): number {
    const { config } = this.#host.work();
    if (config !== this.#limitedBy) {
      this.#limitedBy = config;
      this.#refused += this.#limiter.refusals;
      this.#limiter = new Limiter(config, now);
    }
    return this.#limiter.room(this.#host.handlers.size, now);
  }

  /** ms until a job may be started; Infinity = not before a handler returns. */
  wait(now: number): number {
    return this.#limiter.wait(this.#host.handlers.size, now);
  }

  /** Takes what is to be recorded. */
  take(): Ended[] {
    const ended = this.#outbox;
    this.#outbox = [];
    return ended;
  }

  /** Puts back what could not be recorded. */
  putBack(ended: readonly Ended[]): void {
    this.#outbox = [...ended, ...this.#outbox];
  }

  /** Tells every handler to stop. */
  interrupt(reason: TaskHubError): void {
    for (const job of this.#live) job.interrupt(reason);
  }

  /** Gives up the handlers that did not stop. */
  abandon(): void {
    for (const job of this.#live) job.abandon();
  }

  /** Calls the handler of a claimed job, if it may run now; else gives it back. */
  start(claimed: ClaimedJob): void {
    const { handlers, ports, jobs } = this.#host;
    const { source, config } = this.#host.work();
    const running = handlers.get(claimed.seq);
    // One that was lost to a passed lease and is ours again: what its handler brings, or has brought, will do.
    if (running !== undefined && this.#live.has(running)) {
      running.claimed = claimed;
      return this.#wake();
    }
    if (this.#outbox.some((ended) => ended.claimed.seq === claimed.seq)) return this.#wake();
    // What ended while the store was asked may have closed the gate.
    const isAdmitted = this.#isOpen() && this.#limiter.wait(handlers.size, ports.clock.monotonic()) === 0;
    if (!isAdmitted) return this.#giveBack(claimed);
    if (running !== undefined) {
      this.#parked.set(claimed.seq, claimed);
      return this.#wake();
    }
    if (claimed.crashes >= config.retry.maxCrashes) return this.#poisoned(claimed);

    const context = new HandlerContext(this.#contextHost, claimed, this.#limiter.sends + 1);
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

  /** A slot is free again. */
  slotFreed(seq: number): void {
    const parked = this.#parked.get(seq);
    if (this.#parked.delete(seq) && parked !== undefined) this.start(parked);
    this.#wake();
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
      this.#halt(halted(`halt.when: ${verdict.error.message}`, {}, verdict.error));
    }
    // The wall clock may have been set meanwhile.
    const startedAt = now - Math.round(monotonic - job.sentAt);
    this.#record(claimed, verdict, { startedAt, endedAt: now, ran: true });
  };

  #record(
    claimed: ClaimedJob,
    verdict: Verdict,
    times: { startedAt: number; endedAt: number; ran: boolean },
  ): void {
    this.#outbox.push({ claimed, verdict, settlement: settlementOf(claimed.seq, verdict, times) });
    if (verdict.kind === 'completed' || verdict.kind === 'failed') {
      const error = this.#watch.settled(verdict.kind === 'failed', this.#host.work().config.halt);
      if (error !== undefined) this.#halt(error);
    }
    this.#wake();
  }

  #giveBack(claimed: ClaimedJob): void {
    const now = this.#host.ports.clock.now();
    this.#record(claimed, { kind: 'interrupted' }, { startedAt: now, endedAt: now, ran: false });
  }

  /** Gives back what waits for the handler of an earlier attempt. */
  giveBackParked(): void {
    for (const claimed of this.#parked.values()) this.#giveBack(claimed);
    this.#parked.clear();
  }

  /** Tells the listeners what was recorded. */
  announce(ended: readonly Ended[], lost: readonly number[]): void {
    for (const { claimed, settlement, verdict } of ended) {
      if (lost.includes(claimed.seq)) continue;
      if (
        verdict.kind === 'completed' ||
        (settlement.outcome === 'failed' && settlement.attempt !== 'unused')
      )
        this.ran += 1;
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
}
