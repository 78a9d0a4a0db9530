// The public handle of one task: what it knows, its commands, its events.
import { checkOptions, completeConfig, OPTION_RULES } from './config.js';
import { isTaskHubError, TaskHubError } from './errors.js';
import { EventEmitter } from './events.js';
import { toError } from './failure.js';
import { JobReader } from './job-view.js';
import type { Work } from './jobs-in-hand.js';
import { rounded } from './limit/words.js';
import type { Ports } from './ports.js';
import { Throttle } from './progress.js';
import { putBackAll, putBackWhere, type Reset } from './put-back.js';
import { listResults, type ResultsHost, type ResultsQuery, readResults } from './results.js';
import { Run, type RunHost, type RunResult, taskDeleted } from './run.js';
import type { RunningJob } from './run-job.js';
import { SpeedLog, shownPace } from './speed.js';
import type { JobCounts, StorageAdapter, TaskRecord } from './storage/contract.js';
import { readOptions, type StoredOptions } from './stored-options.js';
import { TASK_TRANSITIONS, type TaskEvent } from './task-state.js';
import type {
  FailedJob,
  JobOf,
  JobStatus,
  RunSummary,
  Speed,
  TaskEvents,
  TaskProgress,
  TaskSourceLike,
  TaskStatus,
  TaskType,
} from './types.js';

/** What a task needs of its hub. */
export interface TaskHost {
  store: StorageAdapter;
  owner: string;
  leaseMs: number;
  ports: Ports;
  /** Takes over the jobs of owners that are known to be dead. @returns whether living ones are left */
  reclaim(taskId: string): Promise<boolean>;
  /** What the task is run with, from a source and the stored options. */
  workWith(source: TaskSourceLike<unknown, unknown>, options: StoredOptions): Work;
  /** The task is gone from the store. */
  forget(taskId: string): void;
  /** @throws TaskHubError HUB_CLOSED */
  assertOpen(): void;
}

/** How many errors outside jobs a summary keeps. */
const KEPT_ERRORS = 20;
/** A task: many inputs, one handler. Made by `hub.createTask`, `getTask` and `resumeTask`; one object per task and hub. */
export class Task<TInput = unknown, TOutput = unknown> {
  readonly #host: TaskHost;
  readonly #events: EventEmitter<TaskEvents<TInput, TOutput>>;
  readonly #jobs: JobReader;
  readonly #results: ResultsHost;
  #options: StoredOptions;
  readonly #handlers = new Map<number, RunningJob>();
  readonly #progress: Throttle;
  #errors: Error[] = [];
  #record: TaskRecord;
  #counts: JobCounts;
  #status: TaskStatus;
  #duplicates: number;
  /** Grows with everything that becomes known of the task. */
  #revision = 0;
  #created = false;
  #isDeleted = false;
  /** Settles when the store has answered destroy(); until then nobody else is given the task. */
  #destroying: Promise<void> | undefined;
  #work: Work | undefined;
  #run: Run | undefined;
  #running: Promise<RunSummary> | undefined;
  #speedLog = new SpeedLog(0);
  #pausing: Promise<unknown> | undefined;
  #stops = 0;

  /** @internal Tasks are made by a hub. */
  constructor(host: TaskHost, record: TaskRecord) {
    this.#host = host;
    this.#record = record;
    this.#counts = record.counts;
    this.#duplicates = record.duplicates;
    this.#status = 'idle';
    this.#options = readOptions(record.options);
    const { id, createdAt } = record;
    const needsCodec = this.#options.codec;
    this.#jobs = new JobReader({ id, createdAt, needsCodec }, () => this.#work?.codec);
    this.#results = {
      taskId: id,
      store: host.store,
      jobs: this.#jobs,
      assertUsable: () => this.#assertUsable(),
    };
    this.#events = new EventEmitter((error, event) => this.#report(error, `A listener of "${event}"`));
    this.#progress = new Throttle(
      host.ports.clock,
      () => this.#work?.config.progressInterval ?? 0,
      () => this.#events.emit('progress', this.#snapshot()),
    );
  }

  get id(): string {
    return this.#record.id;
  }
  get name(): string {
    return this.#record.name;
  }
  get type(): TaskType {
    return this.#options.type;
  }
  get status(): TaskStatus {
    return this.#status;
  }
  /** Whether the last `createTask` of this task made it; false if it was there already. */
  get created(): boolean {
    return this.#created;
  }
  get totalJobs(): number {
    return this.#counts.total;
  }
  get completedJobs(): number {
    return this.#counts.completed;
  }
  get failedJobs(): number {
    return this.#counts.failed;
  }
  /** Inputs that were in the source before and became no job of their own. */
  get duplicateInputs(): number {
    return this.#duplicates;
  }
  /** RFC 6962 root over the job ids, hex; null for a dynamic task. */
  get merkleRoot(): string | null {
    return this.#record.root;
  }
  /** What the controller admits now, in jobs; `concurrency.initial` while the task does not run here. */
  get currentConcurrency(): number {
    const config = this.#work?.config ?? completeConfig(this.#options.config);
    return this.#run?.dispatcher.concurrency ?? config.limit.initial;
  }

  /** How fast the task is and why, and how it was since it was last started in this process. */
  get speed(): Speed {
    const run = this.#run;
    const { samples } = this.#speedLog;
    const limit = this.currentConcurrency;
    if (run === undefined) return { reason: `not running here: ${this.#status}`, limit, pace: null, samples };
    const { pacing, shortage } = run.dispatcher;
    if (run.isEnding || run.isPaused) {
      const word = run.isEnding ? 'ending' : 'paused';
      return { reason: `${word}: ${pacing.inFlight} jobs still run`, limit, pace: null, samples };
    }
    const rate = run.meter.rate;
    return {
      reason: shortage ?? pacing.reason,
      limit,
      pace: shownPace(pacing),
      ...(rate !== null && { rate: rounded(rate) }),
      samples,
    };
  }

  // --- commands -------------------------------------------------------------------------------------------------

  /**
   * Runs the task to its end; on a running one joins the run, on a paused one continues it.
   *
   * @returns how it ended. After `pause()` the promise stays pending until the run has gone on and ended
   * @throws TaskHubError SOURCE_MISSING without a source in this process; SOURCE_FAILED, TASK_DELETED, HUB_CLOSED, or
   *   a code of the storage for what stops the run itself. The task can be started again then
   */
  start(): Promise<RunSummary> {
    const promise = this.#start();
    promise.catch(() => undefined); // one that nobody awaits must not become an unhandled rejection
    return promise;
  }

  /** The same as {@link start}: continues what was paused, stopped or interrupted by a crash. */
  resume(): Promise<RunSummary> {
    return this.start();
  }

  /** Starts no more jobs; those that run end and are recorded. Does nothing unless the task is running. */
  pause(): void {
    if (this.#run?.isEnding === true) this.#stops += 1; // for a start() that waits for the end
    if (this.#run !== undefined) return this.#run.pause();
    if (this.#status !== 'running') return;
    this.#revision += 1;
    this.#status = 'paused'; // it runs in another process, which reads this from the store
    this.#pausing = this.#transition('pause').catch((error: unknown) => this.#report(error, 'pause()'));
  }

  /**
   * Aborts the running jobs, waits at most `stopGrace` ms for their handlers, and gives them back as pending with
   * their attempts. Resolves when the task is paused.
   */
  async stop(): Promise<void> {
    this.#stops += 1;
    // Only this run is waited for, and not one that is started meanwhile.
    const ending = this.#ended();
    if (this.#run === undefined) this.pause();
    this.#run?.stop();
    await this.#pausing;
    await ending;
  }

  /** Stops the task, deletes it with all its data, and removes all listeners. */
  async destroy(): Promise<void> {
    this.#host.assertOpen();
    if (this.#isDeleted) return;
    this.#destroying ??= this.#destroy().finally(() => {
      this.#destroying = undefined;
    });
    return this.#destroying;
  }

  /**
   * Puts failed jobs back as pending with no attempts spent. A finished task becomes `paused`; a running one goes on
   * with them.
   *
   * @param options.where - says which ones, with their failure; absent: all of them
   * @returns the number of jobs put back
   * @throws TaskHubError INVALID_CONFIG, or a code of the storage
   */
  async retryFailed(
    options: { where?: ((job: FailedJob<TInput>) => boolean) | undefined } = {},
  ): Promise<number> {
    this.#assertUsable();
    const { where } = checkOptions<typeof options>('retryFailed', options, OPTION_RULES.retryFailed);
    const reset: Reset = (limit, seqs) => this.#reset(limit, seqs);
    const sum = await (where === undefined
      ? putBackAll(reset)
      : putBackWhere<TInput>(this.#results, where, reset));
    if (sum === 0) return 0;
    if (this.#goesOn !== undefined) return sum;
    await this.#ended();
    await this.#transition('reset');
    await this.refresh();
    return sum;
  }

  /** @deprecated Use `hub.resumeTask(id, source)` or `hub.createTask`. */
  setSource(source: TaskSourceLike<TInput, TOutput>): void {
    this.useWork(this.#host.workWith(source as TaskSourceLike<unknown, unknown>, this.#options));
  }

  /** @deprecated Use `hub.resumeTask(id, source)`. */
  setSourceForResume(source: TaskSourceLike<TInput, TOutput>): void {
    this.setSource(source);
  }

  // --- what it knows --------------------------------------------------------------------------------------------

  /** The numbers of the task now; asks the store if the task does not run in this process. */
  async getProgress(): Promise<TaskProgress> {
    this.#assertUsable();
    if (this.#run === undefined && !(await this.refresh())) throw taskDeleted(this.id);
    return this.#snapshot();
  }

  /** Jobs in source order. All of them by default: use {@link results} for millions. */
  async getResults<TStatus extends JobStatus = JobStatus>(
    query: ResultsQuery<TStatus> = {},
  ): Promise<JobOf<TInput, TOutput, TStatus>[]> {
    return listResults<TInput, TOutput, TStatus>(this.#results, query);
  }

  /**
   * Jobs in source order, a page at a time: no row twice and none missed, also while the task runs. What is held of them
   * at a time is about 4 million characters of inputs and results, or two jobs if those are larger.
   */
  results<TStatus extends JobStatus = JobStatus>(
    query: Pick<ResultsQuery<TStatus>, 'status' | 'after'> = {},
  ): AsyncIterableIterator<JobOf<TInput, TOutput, TStatus>> {
    return readResults<TInput, TOutput, TStatus>(this.#results, query);
  }

  /** Adds a listener. @returns a function that removes it */
  on<K extends keyof TaskEvents>(event: K, listener: TaskEvents<TInput, TOutput>[K]): () => void {
    return this.#events.on(event, listener);
  }
  /** Adds a listener for the next event only. @returns a function that removes it */
  once<K extends keyof TaskEvents>(event: K, listener: TaskEvents<TInput, TOutput>[K]): () => void {
    return this.#events.once(event, listener);
  }
  /** Removes a listener, or with none named all of the event. */
  off<K extends keyof TaskEvents>(event: K, listener?: TaskEvents<TInput, TOutput>[K]): void {
    this.#events.off(event, listener);
  }
  /** Removes all listeners, or all of one event. */
  removeAllListeners(event?: keyof TaskEvents): void {
    this.#events.removeAllListeners(event);
  }

  /** Stops the task: `await using task = …`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  // --- for the hub ----------------------------------------------------------------------------------------------

  /** @internal Replaces what jobs are run with, from now on. */
  useWork(work: Work): void {
    this.#work = work;
  }

  /** @internal */
  get options(): StoredOptions {
    return this.#options;
  }

  /**
   * @internal Takes over what the store says, unless the task runs here and knows better. What has become known while the
   * store was asked is newer than its answer: then it is asked again. A run of a task that was deleted and made again is
   * ended, and this object with it.
   *
   * @returns whether the task is there
   */
  async refresh(
    state: { created?: boolean | undefined; repeats?: number | undefined } = {},
  ): Promise<boolean> {
    const { store, reclaim } = this.#host;
    this.#created = state.created ?? this.#created;
    await this.#destroying?.catch(() => undefined); // whoever called destroy() was told
    for (;;) {
      const known = this.#revision;
      const isRunElsewhere = await reclaim(this.id);
      const record = await store.readTask(this.id);
      if (record === null) return false;
      if (this.#run === undefined) {
        if (known !== this.#revision) continue;
        this.#adopt(record, isRunElsewhere, state.repeats);
      } else if (this.#run.isOutlivedBy(record)) {
        this.#run.stop({ kind: 'deleted' });
        await this.#ended();
      }
      return true;
    }
  }

  #adopt(record: TaskRecord, isRunElsewhere: boolean, repeats = record.duplicates): void {
    this.#revision += 1;
    this.#record = record;
    this.#options = readOptions(record.options); // another process may have deleted the task and made it again
    this.#counts = record.counts;
    this.#duplicates = repeats;
    // A task that is stored as running and that nobody runs was left so by a process that died.
    const isLeft = record.status === 'running' && !isRunElsewhere;
    this.#status = isLeft || record.status === 'ingesting' ? 'paused' : record.status;
  }

  /** @internal Ends the run as the hub closes; its handlers may go on for `grace` ms. Never rejects. */
  async close(grace = 0): Promise<void> {
    const { clock } = this.#host.ports;
    const run = this.#run;
    if (grace > 0) run?.drain();
    const stop = (): void => run?.stop({ kind: 'stopped' }, true);
    const timer = grace > 0 ? clock.setTimeout(stop, grace) : stop();
    await this.#pausing;
    await this.#ended();
    if (timer !== undefined) clock.clearTimeout(timer);
  }

  /** @internal The input or output of a stored text. */
  decode(text: string): unknown {
    return this.#jobs.decode(text);
  }

  // --- inside ---------------------------------------------------------------------------------------------------

  async #start(): Promise<RunSummary> {
    this.#assertUsable();
    if (this.#run?.isEnding === true) {
      const [ending, stops] = [this.#running, this.#stops];
      await this.#ended();
      this.#assertUsable();
      // A stop() that came meanwhile was meant for this start() as well.
      if (ending !== undefined && stops !== this.#stops) return ending;
    }
    this.#run?.resume();
    if (this.#work === undefined) {
      throw new TaskHubError(
        'SOURCE_MISSING',
        `Task "${this.name}" has no source in this process. Use hub.resumeTask('${this.id}', source).`,
        { details: { taskId: this.id } },
      );
    }
    this.#running ??= this.#runOnce().finally(() => {
      this.#progress.stop();
      this.#revision += 1;
      this.#run = undefined;
      this.#running = undefined;
    });
    return this.#running;
  }

  async #runOnce(): Promise<RunSummary> {
    this.#errors = [];
    const run = new Run(this.#runHost());
    this.#run = run;
    this.#status = 'running';
    try {
      const result = await run.execute();
      this.#counts = result.counts;
      this.#status = result.status;
      this.#record = result.record;
      return this.#summary(result, run.meter.elapsed);
    } catch (error) {
      this.#status = 'paused';
      if (!isTaskHubError(error, 'TASK_DELETED')) this.#report(error);
      else if (this.#destroying === undefined) this.#gone();
      throw error;
    }
  }

  #runHost(): RunHost {
    const { store, owner, leaseMs, ports, reclaim } = this.#host;
    return {
      taskId: this.id,
      store,
      owner,
      leaseMs,
      ports,
      options: this.#options,
      // start() has seen that there is one, and it is only ever replaced.
      work: () => this.#work as Work,
      jobs: this.#jobs,
      // The engine emits jobs of unknown types; they are this task's.
      events: this.#events as unknown as EventEmitter<TaskEvents>,
      handlers: this.#handlers,
      returned: ({ claimed: { seq } }) => {
        this.#handlers.delete(seq);
        this.#run?.dispatcher.slotFreed(seq);
      },
      began: (counts) => {
        this.#counts = counts;
        this.#speedLog = this.#run?.speedLog ?? this.#speedLog;
        this.#progress.now();
      },
      changed: (counts) => this.#changed(counts),
      became: (status) => {
        this.#status = status;
        this.#progress.changed();
      },
      duplicates: (count) => {
        this.#duplicates = count;
      },
      reclaim: () => reclaim(this.id),
      report: (error, where) => this.#report(error, where),
    };
  }

  #summary(result: RunResult, elapsed: number): RunSummary {
    const { status, counts, ran, halted } = result;
    const { total, completed, failed } = counts;
    this.#progress.now();
    const isSettled = status !== 'paused' && completed + failed === total;
    if (halted === undefined && isSettled) this.#events.emit('completed');
    const { reused } = this.#record;
    const errors = this.#errors;
    const summary = {
      status,
      total,
      completed,
      failed,
      ran,
      reused,
      duplicates: this.#duplicates,
      elapsed,
      errors,
    };
    return halted === undefined ? summary : { ...summary, halted };
  }

  #snapshot(): TaskProgress {
    const { total, completed, failed, pending, active } = this.#counts;
    const ingesting = this.#run?.ingesting ?? false;
    return {
      taskId: this.id,
      total,
      completed,
      failed,
      pending,
      active,
      concurrency: this.currentConcurrency,
      elapsed: this.#run?.meter.elapsed ?? 0,
      estimatedRemaining: ingesting ? null : (this.#run?.meter.remaining(pending + active) ?? null),
      ingesting,
      duplicates: this.#duplicates,
    };
  }

  #changed(counts: JobCounts): void {
    this.#counts = counts;
    if (this.#run !== undefined) this.#progress.changed();
  }

  async #reset(limit: number, seqs?: readonly number[]): Promise<number> {
    const { store, ports } = this.#host;
    const call = store.resetFailed(this.id, limit, ports.clock.now(), seqs);
    // At once: a run that is about to end goes on with them.
    const run = this.#goesOn;
    if (run !== undefined) return run.dispatcher.reset(call);
    const { reset } = await call;
    if (reset > 0) this.#goesOn?.dispatcher.refresh(); // begun meanwhile
    return reset;
  }

  #transition(name: TaskEvent): Promise<TaskRecord | null> {
    const { from, to } = TASK_TRANSITIONS[name];
    return this.#host.store.transitionTask(this.id, from, { status: to }, this.#host.ports.clock.now());
  }

  /** The run, unless it ends. */
  get #goesOn(): Run | undefined {
    return this.#run?.isEnding === false ? this.#run : undefined;
  }

  async #ended(): Promise<void> {
    await this.#running?.catch(() => undefined); // start() has told whoever waits for it
  }

  async #destroy(): Promise<void> {
    this.#run?.stop({ kind: 'deleted' });
    await this.#ended();
    await this.#host.store.deleteTask(this.id);
    this.#gone();
  }

  #gone(): void {
    if (this.#isDeleted) return;
    this.#isDeleted = true;
    this.#events.removeAllListeners();
    this.#host.forget(this.id);
  }

  #assertUsable(): void {
    this.#host.assertOpen();
    if (this.#isDeleted || this.#destroying !== undefined) throw taskDeleted(this.id);
  }

  /** Errors outside jobs: to the `error` event, and without a listener into the summary. */
  #report(error: unknown, where?: string): void {
    const known =
      where === undefined && error instanceof Error
        ? error
        : new TaskHubError('LISTENER_FAILED', `${where} threw: ${toError(error).message}`, { cause: error });
    if (this.#events.has('error') && where !== 'A listener of "error"') this.#events.emit('error', known);
    // The summary that was given has the same array: a listener may reject after it.
    else if (this.#errors.push(known) > KEPT_ERRORS) this.#errors.shift();
  }
}
