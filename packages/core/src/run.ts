// One run of a task, from start() until its promise settles: the stored status, the source, the dispatcher, the end.
import { Dispatcher, type DispatcherHost, type RunEnd } from './dispatcher.js';
import { TaskHubError } from './errors.js';
import { Ingest, JobEncoder, sourceFailed } from './ingest.js';
import { LookAhead } from './look-ahead.js';
import { ProgressMeter } from './progress.js';
import { type InputReader, readerOf } from './source.js';
import { SpeedLog } from './speed.js';
import { Standby } from './standby.js';
import type { ExchangeResult, JobCounts, StoredTaskStatus, TaskRecord } from './storage/contract.js';
import type { StoredOptions } from './stored-options.js';
import { settledStatus, TASK_TRANSITIONS, type TaskEvent } from './task-state.js';
import type { TaskStatus } from './types.js';

/** What a run needs of its task. */
export interface RunHost extends Omit<DispatcherHost, 'no' | 'ingesting' | 'commanded'> {
  options: StoredOptions;
  /** The run has something to do, and begins with these counts. */
  began(counts: JobCounts): void;
  /** The task has another status in this process. */
  became(status: TaskStatus): void;
  duplicates(count: number): void;
}

/** How a run ended, for the summary. */
export interface RunResult {
  status: TaskStatus;
  counts: JobCounts;
  ran: number;
  halted?: TaskHubError | undefined;
}

/** The end of a run that really ran. */
export interface RunRecord extends RunResult {
  record: TaskRecord;
}

export class Run {
  readonly #host: RunHost;
  readonly dispatcher: Dispatcher;
  readonly meter: ProgressMeter;
  readonly #standby: Standby;
  speedLog: SpeedLog = new SpeedLog(0);
  #isPaused = false;
  #isEnding = false;
  /** The jobs are done with: the counts of the end are read once, from the store. */
  #isOver = false;
  /** Grows with the counts that become known. */
  #learnt = 0;
  /** A closing hub leaves a task that others work on as it is. */
  #leavesOthers = false;
  #statusAtEnd: TaskStatus | undefined;
  /** `no` of the task as it was read at the beginning. */
  #no: number | undefined;
  /** Commands write the stored status one after the other. */
  #writes: Promise<unknown> = Promise.resolve();
  readonly #ahead: LookAhead;
  #reading: { reader: InputReader<unknown>; ingest: Ingest<unknown> } | undefined;
  /** What the source gave before it was told to stop is in the store. */
  #written: Promise<void> | undefined;
  #ingesting = false;
  #sourceError: TaskHubError | undefined;

  constructor(host: RunHost) {
    this.#host = host;
    this.meter = new ProgressMeter(host.ports.clock);
    this.#standby = new Standby(host);
    this.#ahead = new LookAhead(() => host.work().config.lookAhead);
    this.dispatcher = new Dispatcher({
      ...host,
      work: () => host.work(),
      no: () => this.#no,
      ingesting: () => this.#ingesting,
      changed: (counts) => this.#changed(counts),
      commanded: (status) => this.#commanded(status),
    });
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether the task was deleted and made again since this run began. */
  isOutlivedBy({ no }: TaskRecord): boolean {
    return this.#no !== undefined && this.#no !== no;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  get ingesting(): boolean {
    return this.#ingesting;
  }

  /**
   * Runs to the end.
   *
   * @throws TaskHubError TASK_DELETED, SOURCE_FAILED, or of the storage; the task can be started again then
   */
  async execute(): Promise<RunRecord> {
    this.meter.start();
    try {
      const hasWaited = await this.#standby.wait((exchange) => this.#listen(exchange));
      const before = await this.#readTask();
      this.#no = before.no;
      // A stream that another tab has read to its end while this one stood by is not read again.
      const isAgain = before.status === 'completed' && !hasWaited;
      const rereads = this.#host.options.type === 'dynamic' && (!before.ingested || isAgain);
      this.#ingesting = rereads;
      if (!rereads && isFinished(before)) {
        return { status: before.status, record: before, counts: before.counts, ran: 0 };
      }
      this.speedLog = new SpeedLog(settledOf(before.counts));
      this.#sample(before.counts);
      this.#host.began(before.counts);
      this.#ahead.update(before.counts.pending);
      // One that was told to end while it stood by has started nothing.
      if (!this.#standby.isWaiting) {
        const record = await this.#write('start', rereads ? { ingested: false } : {});
        if (record === null) throw taskDeleted(this.#host.taskId);
        if (this.#isPaused) void this.#write('pause'); // before there was a run to pause
        // Not awaited: a source may never answer. It never rejects, and does nothing more once the run is over.
        if (rereads) void this.#read(record);
      }
      return await this.#finish(await this.dispatcher.run());
    } catch (error) {
      throw await this.#failed(error);
    } finally {
      this.#isOver = true;
      this.#isEnding = true;
      this.#stopReading();
      this.meter.stop();
      await this.#written;
      this.#standby.end();
    }
  }

  /** The task as it is stored. Asks again if something newer was learnt before the answer came. */
  async #readTask(): Promise<TaskRecord> {
    const { store, taskId } = this.#host;
    for (;;) {
      const learnt = this.#learnt;
      const record = await store.readTask(taskId);
      if (record === null) throw taskDeleted(taskId);
      if (learnt === this.#learnt) return record;
    }
  }

  /** What a run that stands by hears of the one that has the turn. */
  async #listen(exchange: () => Promise<ExchangeResult>): Promise<void> {
    await this.#writes;
    const writes = this.#writes;
    const { status, counts } = await exchange();
    if (status === null) throw taskDeleted(this.#host.taskId);
    this.#changed(counts);
    if (writes === this.#writes) this.#commanded(status); // else it was read before a command of this process
  }

  pause(): void {
    if (this.#isPaused || this.#isEnding) return;
    this.#setPaused(true);
    void this.#write('pause');
  }

  resume(): void {
    if (!this.#isPaused || this.#isEnding) return;
    this.#setPaused(false);
    void this.#write('start');
  }

  /** Starts no more jobs, and ends when those that run have ended. The task goes on in other processes. */
  drain(): void {
    this.#isEnding = true;
    this.#leavesOthers = true;
    this.#standby.leave();
    this.#stopReading();
    this.dispatcher.drain();
  }

  /** @param end - `deleted` when the task is about to be deleted */
  stop(end: RunEnd = { kind: 'stopped' }, leavesOthers = false): void {
    this.#isEnding = true;
    this.#leavesOthers ||= leavesOthers;
    this.#standby.leave();
    this.#stopReading();
    this.dispatcher.stop(end);
  }

  #setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#ahead.pause(isPaused);
    if (isPaused) {
      this.meter.stop();
      this.dispatcher.pause();
    } else {
      this.meter.start();
      this.dispatcher.resume();
    }
    this.#host.became(isPaused ? 'paused' : 'running');
  }

  #changed(counts: JobCounts): void {
    if (this.#isOver) return;
    this.#learnt += 1;
    this.meter.note(settledOf(counts));
    if (this.speedLog.isDue(this.meter.elapsed)) this.#sample(counts);
    this.#ahead.update(counts.pending);
    this.#host.changed(counts);
  }

  #sample(counts: JobCounts): void {
    this.speedLog.note(this.meter.elapsed, settledOf(counts), this.dispatcher.pacing);
  }

  // --- the stored status ----------------------------------------------------------------------------------------

  #write(
    name: TaskEvent,
    patch: { ingested?: boolean; duplicates?: number } = {},
  ): Promise<TaskRecord | null> {
    const { store, taskId, ports } = this.#host;
    const { from, to } = TASK_TRANSITIONS[name];
    const written = this.#writes.then(() =>
      store.transitionTask(taskId, from, { ...patch, status: to }, ports.clock.now()),
    );
    this.#writes = this.dispatcher.during(written).catch((error: unknown) => this.dispatcher.broken(error));
    return written;
  }

  /** Another process has changed the status. */
  #commanded(status: StoredTaskStatus): void {
    if (status === 'paused' && !this.#isPaused) this.#setPaused(true);
    else if (status === 'running' && this.#isPaused) this.#setPaused(false);
    else if (status === 'failed') {
      this.#statusAtEnd = 'failed';
      this.stop();
    }
  }

  // --- the source -----------------------------------------------------------------------------------------------

  /** Reads a dynamic source while jobs run. Never rejects. */
  async #read(record: TaskRecord): Promise<void> {
    const { store, taskId, ports, work, options } = this.#host;
    try {
      const { source, codec } = work();
      const data = await source.getData();
      const { duplicates } = options;
      const ingest = new Ingest({
        store,
        taskId,
        no: this.#no,
        clock: ports.clock,
        encoder: new JobEncoder({ source, codec, duplicates, hash: store.sha256 }),
        duplicates,
        knownUpTo: record.lastSeq,
        knownJobs: record.counts.total,
        room: () => this.#ahead.room(),
        inserted: (counts) => {
          this.#host.duplicates(ingest.repeats);
          this.dispatcher.inserted(counts);
        },
      });
      const reader = readerOf(data);
      this.#reading = { reader, ingest };
      if (this.#isEnding) return this.#stopReading();
      if (!(await ingest.read(reader, true))) return;
      this.#reading = undefined;
      const { repeats } = ingest;
      if (repeats !== record.duplicates) {
        await store.transitionTask(
          taskId,
          TASK_TRANSITIONS.start.from,
          { duplicates: repeats },
          ports.clock.now(),
        );
      }
      this.#ingesting = false;
      this.dispatcher.wake();
    } catch (error) {
      if (this.#isEnding) return;
      this.#sourceError = sourceFailed(error);
      this.dispatcher.drain();
    }
  }

  /** The source is told, and not waited for. */
  #stopReading(): void {
    if (this.#reading === undefined) return;
    const { reader, ingest } = this.#reading;
    this.#reading = undefined;
    this.#written = ingest.stop();
    this.#ahead.close();
    reader.close();
  }

  // --- the end --------------------------------------------------------------------------------------------------

  async #finish(end: RunEnd): Promise<RunRecord> {
    const { store, taskId } = this.#host;
    this.#isEnding = true;
    this.#isOver = true;
    await this.#writes;
    if (end.kind === 'deleted') throw taskDeleted(taskId);
    if (this.#sourceError !== undefined) throw this.#sourceError;
    let status = await this.#record(end);
    const record = await store.readTask(taskId);
    if (record === null) throw taskDeleted(taskId);
    // Failed jobs were put back while the end was written: it is none.
    if (end.kind === 'settled' && !isSettled(record.counts)) {
      if (status !== 'paused') await this.#write('reset');
      status = 'paused';
    }
    this.#sample(record.counts);
    return {
      status,
      record,
      counts: record.counts,
      ran: this.dispatcher.ran,
      halted: end.kind === 'halted' ? end.error : undefined,
    };
  }

  async #record(end: RunEnd): Promise<TaskStatus> {
    if (end.kind === 'settled') {
      const record = await this.#host.store.readTask(this.#host.taskId);
      if (record === null) return 'completed'; // deleted; whoever reads it next is told
      // Not if failed jobs were put back since: then the task is a paused one.
      if (isSettled(record.counts)) {
        const status = settledStatus(record.counts);
        await this.#write(status === 'completed' ? 'complete' : 'fail');
        return status;
      }
    }
    if (end.kind === 'halted') {
      await this.#write('fail');
      return 'failed';
    }
    if (this.#statusAtEnd !== undefined) return this.#statusAtEnd;
    if (!(this.#leavesOthers && (await this.#othersWork()))) await this.#write('pause');
    return 'paused';
  }

  async #othersWork(): Promise<boolean> {
    const { store, taskId, owner, ports } = this.#host;
    const owners = await store.listOwners(taskId);
    return owners.some((other) => other.id !== owner && other.leaseUntil > ports.clock.now());
  }

  /** Leaves the task in a status from which it can be started again. @returns the error to reject with */
  async #failed(error: unknown): Promise<unknown> {
    if (error instanceof TaskHubError && error.code === 'TASK_DELETED') return error;
    // What befell this process is no reason for others to stop.
    const mayLeave = this.#sourceError === undefined && (this.#leavesOthers || !this.#isEnding);
    this.#isEnding = true;
    try {
      await this.#writes;
      if (mayLeave && (await this.#othersWork())) return error;
      // Also when the error came with the last batch: the source has not been read to its end.
      await this.#write('pause', this.#sourceError && { ingested: false });
    } catch {
      // The storage that has just failed may fail again; a stored `running` without an owner can be started as well.
    }
    return error;
  }
}

/** Whether a run has nothing to do. */
function isFinished(task: TaskRecord): task is TaskRecord & { status: TaskStatus } {
  const { status, counts } = task;
  // A halted one is `failed` whatever was completed: it is run again, if only to learn that nothing is left.
  return status === settledStatus(counts) && isSettled(counts);
}

function isSettled({ completed, failed, total }: JobCounts): boolean {
  return completed + failed === total;
}

export function taskDeleted(taskId: string): TaskHubError {
  return new TaskHubError('TASK_DELETED', `Task ${taskId} was deleted. Create it again to run it.`, {
    details: { taskId },
  });
}

const settledOf = ({ completed, failed }: JobCounts): number => completed + failed;
