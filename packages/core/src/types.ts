// The public shapes of data: tasks, jobs, progress, options. No code.
import type { TaskHubError } from './errors.js';

/** `deterministic`: the whole data set is known at creation and has a Merkle root. `dynamic`: a stream. */
export type TaskType = 'deterministic' | 'dynamic';

/** See `docs/state-machine.md` for what leads from one to another. */
export type TaskStatus = 'idle' | 'running' | 'paused' | 'completed' | 'failed';

/** See `docs/state-machine.md` for what leads from one to another. */
export type JobStatus = 'pending' | 'active' | 'completed' | 'failed';

/** What is kept of an error: its name, its message (cut to 4,096 characters) and, if it had them, code and status. */
export interface JobFailure {
  name: string;
  message: string;
  code?: string;
  /** HTTP status. */
  status?: number;
}

interface JobBase<TInput> {
  /** SHA-256 (hex) of the canonical JSON of the input, or what `getJobId` gave. */
  id: string;
  taskId: string;
  /** Place of the first occurrence of the input in the source, from 0. */
  index: number;
  input: TInput;
  /** Executions of the handler that ended or died with their process, the running one included. */
  attempts: number;
  /** How many of the attempts ended refused (429, 503); they spend no retry budget. */
  throttles: number;
  /** Creation of the task, ms since 1970. */
  createdAt: number;
  /** Start of the last attempt, ms since 1970. */
  startedAt: number | undefined;
  /** When the job was settled, ms since 1970. */
  completedAt: number | undefined;
  /** When the next attempt is due, ms since 1970; only for a job that waits after an attempt. */
  scheduledAt: number | undefined;
}

/** A job that has not run, or waits for its next attempt; `error` is then that of the last attempt. */
export interface PendingJob<TInput = unknown> extends JobBase<TInput> {
  status: 'pending';
  output: undefined;
  error: string | undefined;
  failure: JobFailure | undefined;
}

/** A job whose handler is running in some process. */
export interface ActiveJob<TInput = unknown> extends JobBase<TInput> {
  status: 'active';
  output: undefined;
  error: string | undefined;
  failure: JobFailure | undefined;
}

/** A job with a recorded result. */
export interface CompletedJob<TInput = unknown, TOutput = unknown> extends JobBase<TInput> {
  status: 'completed';
  output: TOutput;
  error: undefined;
  failure: undefined;
}

/** A job that failed for good; `retryFailed()` puts it back. */
export interface FailedJob<TInput = unknown> extends JobBase<TInput> {
  status: 'failed';
  output: undefined;
  /** The message of the last error. */
  error: string;
  failure: JobFailure;
}

/** One input and what became of it, a union by `status`. Rows are copies: changing one changes nothing else. */
export type Job<TInput = unknown, TOutput = unknown> =
  | PendingJob<TInput>
  | ActiveJob<TInput>
  | CompletedJob<TInput, TOutput>
  | FailedJob<TInput>;

/** The job of a given status: `JobOf<I, O, 'completed'>` has `output: O`. */
export type JobOf<TInput, TOutput, TStatus extends JobStatus> = Extract<
  Job<TInput, TOutput>,
  { status: TStatus }
>;

/** What `hub.listTasks()` tells of a task. */
export interface TaskMeta {
  id: string;
  name: string;
  type: TaskType;
  status: TaskStatus;
  /** RFC 6962 root over the job ids, hex; `null` for a dynamic task. */
  merkleRoot: string | null;
  /** The `version` it was created with, or null. */
  version: string | null;
  totalJobs: number;
  completedJobs: number;
  failedJobs: number;
  /** ms since 1970. */
  createdAt: number;
  /** Last change of state, ms since 1970. */
  updatedAt: number;
}

/** Numbers of a task at one moment. */
export interface TaskProgress {
  taskId: string;
  /** Jobs known so far; grows while `ingesting`. */
  total: number;
  completed: number;
  failed: number;
  pending: number;
  active: number;
  /** What the controller admits now, in jobs. */
  concurrency: number;
  /** ms since this process started the run, pauses excluded. */
  elapsed: number;
  /** ms, from the recent rate; `null` until there is one, and while the source has not ended. */
  estimatedRemaining: number | null;
  /** Whether the source is still being read. */
  ingesting: boolean;
  /** Inputs that were in the source before and became no job of their own. */
  duplicates: number;
}

/** How fast a task is, and why. */
export interface Speed {
  /** Why it is not faster, in words and numbers: for people, and free to change. */
  reason: string;
  /** Jobs that may run at once now; the same as `currentConcurrency`. */
  limit: number;
  /** Jobs per second that are started evenly; `null` where only the jobs at once are bounded. */
  pace: number | null;
  /** Jobs settled per second lately; absent until there is such a rate. */
  rate?: number;
  /** How it was since the run began, oldest first; at most 240. With time they lie further apart. */
  samples: readonly SpeedSample[];
}

/** One point of the history of a run. */
export interface SpeedSample {
  /** ms since the run began, pauses excluded. */
  time: number;
  /** Jobs that may run at once. */
  limit: number;
  /** Handlers that run. */
  inFlight: number;
  /** Jobs per second that are started evenly; `null` where only the jobs at once are bounded. */
  pace: number | null;
  /** Jobs settled per second since the sample before. */
  rate: number;
  /** Calls refused since the sample before. */
  refusals: number;
}

/** How a run ended. */
export interface RunSummary {
  /** `completed`, `failed` (none completed, or halted), or `paused` (stopped, or the hub was closed). */
  status: TaskStatus;
  total: number;
  completed: number;
  failed: number;
  /** Jobs that this run settled by running their handler. */
  ran: number;
  /** Jobs whose result was copied from an earlier task (`reuse`). */
  reused: number;
  /** Inputs that were in the source before and became no job of their own. */
  duplicates: number;
  /** ms, pauses excluded. */
  elapsed: number;
  /** Why the run was ended before its jobs were; absent otherwise. */
  halted?: TaskHubError;
  /** The last 20 errors outside jobs (listeners, predicates) that no `error` listener received. */
  errors: Error[];
}

/** Limits on how many handlers run at once, and the knobs of the controller that moves between them. */
export interface ConcurrencyConfig {
  /** Fewest jobs at once, whole, ≥ 1. @default 1 */
  min?: number | undefined;
  /** Most jobs at once in this process, whole, ≥ min. @default 50 */
  max?: number | undefined;
  /** Jobs at once at the start, in [min, max]. @default 5, moved into [min, max] */
  initial?: number | undefined;
  /**
   * Which controller moves the concurrency. `adaptive` learns whether calls in flight, calls per second or calls per
   * window are limited, or whether the service gets slow; it begins with the three knobs below. `aimd` is these knobs
   * and nothing more.
   *
   * @default 'adaptive'
   */
  algorithm?: 'aimd' | 'adaptive' | undefined;
  /** Jobs added after `successThreshold` successes, whole, ≥ 1. @default 1 */
  additiveIncrease?: number | undefined;
  /** Factor after a refusal, above 0 and below 1. @default 0.5 */
  multiplicativeDecrease?: number | undefined;
  /** Consecutive successes before an increase, whole, ≥ 1. @default 10 */
  successThreshold?: number | undefined;
}

/** When a job that failed is run again. */
export interface RetryConfig {
  /** Executions of the handler, the first included; refusals are not counted. Whole, ≥ 1. @default 3 */
  maxAttempts?: number | undefined;
  /** ms before the second attempt; doubles for each further one. ≥ 0. @default 1000 */
  baseDelay?: number | undefined;
  /** Longest delay in ms. ≥ baseDelay. @default 30000 */
  maxDelay?: number | undefined;
  /** Largest share of the delay that chance takes off, 0 to 1. @default 0.5 */
  jitter?: number | undefined;
  /** Refusals after which a job fails with `JOB_THROTTLED`; `Infinity` for no bound. @default Infinity */
  maxThrottles?: number | undefined;
  /** Deaths of the process during a job after which it fails with `JOB_POISONED`. Whole, ≥ 1. @default 3 */
  maxCrashes?: number | undefined;
}

/** When to end a run early. The run ends as `failed`; what was pending stays pending. */
export interface HaltConfig {
  /** Jobs that failed for good in this run. */
  failures?: number | undefined;
  /** Ends a run whose first so many settled jobs all failed for good: most likely nothing is as it should be. */
  firstFailures?: number | undefined;
  /** Share of failed jobs (0 to 1) among the last `of` settled ones. */
  failureRate?: { rate: number; of: number } | undefined;
  /**
   * Says of an error that going on is pointless (an expired key, say). The job that met it stays pending. It is asked of
   * what handlers throw, of timeouts, and of outputs that cannot be stored (`OUTPUT_NOT_SERIALIZABLE`).
   */
  when?: ((error: unknown) => boolean) | undefined;
}

/** Another text than JSON for inputs and outputs. Both functions are synchronous and pure. */
export interface Codec {
  encode(value: unknown): string;
  decode(text: string): unknown;
}

/** Options of a task. An explicit `undefined` is the same as leaving the option out. */
export interface TaskConfig {
  concurrency?: ConcurrencyConfig | undefined;
  retry?: RetryConfig | undefined;
  /** ms that a handler may take; 0 or Infinity for no limit. @default 30000 */
  timeout?: number | undefined;
  /** ms that `stop()` waits for handlers to obey their signal. @default 5000 */
  stopGrace?: number | undefined;
  /** Pending jobs up to which a dynamic source is read ahead. Whole, ≥ 1. @default 1000 */
  lookAhead?: number | undefined;
  /** Least ms between two `progress` events. @default 200 */
  progressInterval?: number | undefined;
  halt?: HaltConfig | undefined;
  codec?: Codec | undefined;
}

/** What to do with a task, and what of an older one to keep. */
export interface TaskIdentityConfig {
  name: string;
  /** Version of the handler's code. The same data under another version is refused, unless told what to do. */
  version?: string | undefined;
  /** What to do when the task is there already. @default 'resume' */
  ifExists?: 'resume' | 'retry' | 'restart' | 'error' | undefined;
  /** Copy results of equal inputs from the newest task of this name (`true`) or from the task with this id. */
  reuse?: boolean | string | undefined;
  /** What to do with an input that was in the source before. @default 'skip' */
  duplicates?: 'skip' | 'error' | 'run' | undefined;
}

/** Options of `hub.createTask`. */
export interface CreateTaskOptions<TInput, TOutput> extends TaskIdentityConfig, TaskConfig {
  source: TaskSourceLike<TInput, TOutput>;
}

/** The part of a Standard Schema (https://standardschema.dev) that is used; zod, valibot, arktype and others have it. */
export interface StandardSchema<T> {
  readonly '~standard': {
    readonly validate: (value: unknown) => SchemaResult<T> | PromiseLike<SchemaResult<T>>;
  };
}

/** What a schema says of a value: what it makes of it, or what is wrong. */
export type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a value, and where in it. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Anything that can be walked once: what `getData()` may return, also behind a promise. */
export type SourceData<TInput> = Iterable<TInput> | AsyncIterable<TInput> | ReadableStreamLike<TInput>;

/**
 * What `createTask(definition, { inputs })` takes: the data, or a function that gives it anew for each reading. Of a
 * deterministic task, such data is first read to see whether the task is there already: then nothing is written.
 */
export type Inputs<TInput> =
  | SourceData<TInput>
  | (() => SourceData<TInput> | PromiseLike<SourceData<TInput>>);

/** The part of a WHATWG `ReadableStream` that is used where streams cannot be iterated yet. */
export interface ReadableStreamLike<T> {
  getReader(): {
    read(): Promise<{ done: boolean; value?: T | undefined }>;
    cancel(reason?: unknown): Promise<void>;
  };
}

/** What a task needs of its source: an instance of `TaskSource`, or any object of this shape. */
export interface TaskSourceLike<TInput, TOutput> {
  readonly type: TaskType;
  /** Required for dynamic sources: with the name it is the identity of the task. */
  readonly id?: string | undefined;
  getData(): SourceData<TInput> | PromiseLike<SourceData<TInput>>;
  handler(input: TInput, ctx: JobContext): TOutput | PromiseLike<TOutput>;
  /** The identity of an input, used as given; the default is a hash of the whole input. */
  getJobId?: ((input: TInput) => string) | undefined;
  isRetryable?: ((error: unknown) => boolean) | undefined;
  isRateLimited?: ((error: unknown) => boolean) | undefined;
  retryAfter?: ((error: unknown) => number | undefined) | undefined;
  readonly codec?: Codec | undefined;
}

/** The part of `Headers` that is read; plain objects work as well. */
export type HeadersLike = { get(name: string): string | null } | Readonly<Record<string, unknown>>;

/** The part of a fetch `Response` that `JobContext` speaks of. */
export interface ResponseLike {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
}

/** What a handler is told about the attempt it runs. */
export interface JobContext {
  /** Aborts on timeout, stop, close and halt. Pass it to whatever can be cancelled. */
  readonly signal: AbortSignal;
  /** 1 for the first execution. */
  readonly attempt: number;
  readonly jobId: string;
  readonly taskId: string;
  /** SHA-256 (hex) over task id and job id: the same for every attempt, in every process. */
  readonly idempotencyKey: string;
  /**
   * `fetch` with the signal passed on. What the answer says about limits reaches the controller.
   *
   * @throws HttpError when the answer is not ok
   */
  readonly fetch: typeof globalThis.fetch;
  /** Shows the headers of an answer (of an SDK, say) to the controller. */
  observe(answer: HeadersLike | ResponseLike): void;
}

/** The listeners that `task.on` takes. */
export interface TaskEvents<TInput = unknown, TOutput = unknown> {
  /** At once on start, then at most every `progressInterval` ms, and always last before `completed`. */
  progress: (progress: TaskProgress) => void;
  'job:start': (job: ActiveJob<TInput>) => void;
  /** After the result was recorded. */
  'job:complete': (job: CompletedJob<TInput, TOutput>) => void;
  /** After the failure was recorded: the job is not tried again by itself. */
  'job:failed': (job: FailedJob<TInput>, error: Error) => void;
  /** After the attempt was recorded; `attempt` is the one that failed or was refused. */
  'job:retry': (job: PendingJob<TInput>, attempt: number) => void;
  /** Once per decrease or block that a refusal caused, with what the controller admits now. */
  'rate-limited': (concurrency: number) => void;
  /** Every job is settled; look at `task.status` and `task.failedJobs`. */
  completed: () => void;
  /** An error outside jobs: of a listener, of a predicate, of the source or of the storage. */
  error: (error: Error) => void;
}

/** How the data sets of two tasks differ, in jobs. */
export interface TaskComparison {
  /** Only in the second task. */
  added: number;
  /** Only in the first task. */
  removed: number;
  /** In both, with the same key and another content; 0 unless keys were asked for. Not counted as added or removed. */
  changed: number;
  /** In both, as they are. */
  unchanged: number;
}

/** What storage a hub uses, and why. */
export interface StorageChoice {
  /** As in the option `storage`. */
  name: string;
  /** Whether the data is there after the process has ended. */
  persistent: boolean;
  /** Why this one was chosen, in words. */
  reason: string;
}

/** Options of a hub that concern every storage. */
export interface HubConfig {
  /** ms after which an owner that gave no sign of life loses its jobs. ≥ 1000. @default 30000 */
  leaseMs?: number | undefined;
}
