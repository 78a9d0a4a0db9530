// behaviour.md, section 1, as types: compiled by `tsc -p test`, never run. Errors that must be there are marked.
import {
  type ActiveJob,
  type AIMDConfig,
  type CompletedJob,
  type ConcurrencyConfig,
  type CreateTaskOptions,
  computeMerkleRoot,
  DEFAULT_AIMD_CONFIG,
  DEFAULT_CONCURRENCY_CONFIG,
  DEFAULT_RETRY_CONFIG,
  Dispatcher,
  defineTask,
  EventEmitter,
  type FailedJob,
  generateJobId,
  generateTaskId,
  HttpError,
  Hub,
  type HubConfig,
  isTaskHubError,
  type Job,
  type JobContext,
  type JobStatus,
  MemoryAdapter,
  type RetryConfig,
  type RunSummary,
  type Speed,
  type SpeedSample,
  type StorageAdapter,
  type Task,
  type TaskConfig,
  type TaskEvents,
  TaskHubError,
  type TaskMeta,
  type TaskProgress,
  TaskSource,
  type TaskStatus,
  type TaskType,
} from '../src/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only if `A` and `B` are the same type. */
function same<A, B>(..._: Equal<A, B> extends true ? [] : ['the types differ']): void {}

// --- the README, word for word ------------------------------------------------------------------------------------

class MyProcessor extends TaskSource<string, number> {
  readonly type = 'deterministic';

  getData() {
    return ['item1', 'item2', 'item3'];
  }

  async handler(input: string, _ctx: JobContext): Promise<number> {
    return input.length;
  }
}

class StreamProcessor extends TaskSource<{ page: number }, string> {
  readonly type = 'dynamic';
  readonly id = 'my-stream';

  async *getData() {
    for (let page = 1; page <= 100; page++) yield { page };
  }

  async handler(input: { page: number }) {
    return `page ${input.page}`;
  }
}

class MySource extends TaskSource<number, number> {
  readonly type = 'deterministic';
  getData = () => [1];
  handler = (input: number) => input;

  override isRetryable(error: unknown): boolean {
    if (error instanceof RangeError) return false;
    return super.isRetryable(error);
  }
  override isRateLimited(error: unknown): boolean {
    return (error as { status?: number }).status === 429 || super.isRateLimited(error);
  }
  override retryAfter(error: unknown): number | undefined {
    return super.retryAfter(error);
  }
  override getJobId(input: number): string {
    return String(input);
  }
}

export async function readme(): Promise<void> {
  const hub = new Hub(new MemoryAdapter());
  const task = await hub.createTask({
    name: 'my-task',
    source: new MyProcessor(),
    concurrency: { min: 1, max: 50, initial: 5 },
    retry: { maxAttempts: 3, baseDelay: 1000, maxDelay: 30000 },
    timeout: 30000,
  });
  same<typeof task, Task<string, number>>();

  task.on('progress', (p) => {
    same<typeof p, TaskProgress>();
    const { total, completed, failed, pending, active, concurrency, elapsed } = p;
    const sum: number = total + completed + failed + pending + active + concurrency + elapsed;
    same<typeof p.estimatedRemaining, number | null>();
    return void sum;
  });
  task.on('job:start', (job) => same<typeof job, ActiveJob<string>>());
  task.on('job:complete', (job) => {
    same<typeof job.input, string>();
    same<typeof job.output, number>();
  });
  task.on('job:failed', (job, error) => {
    same<typeof job.error, string>();
    same<typeof error, Error>();
  });
  task.on('job:retry', (job, attempt) => {
    same<typeof job.input, string>();
    same<typeof attempt, number>();
  });
  task.on('rate-limited', (concurrency) => same<typeof concurrency, number>());
  task.on('completed', () => {});
  task.once('error', (error) => same<typeof error, Error>());
  // @ts-expect-error there is no such event
  task.on('done', () => {});
  // @ts-expect-error listeners are functions
  task.on('completed', 5);
  const unsubscribe: () => void = task.on('completed', async () => {});
  unsubscribe();
  task.off('completed');
  task.removeAllListeners();
  task.removeAllListeners('progress');

  const summary = await task.start();
  same<typeof summary, RunSummary>();
  same<RunSummary['halted'], TaskHubError | undefined>();
  same<RunSummary['errors'], Error[]>();
  await task.resume();
  same<ReturnType<typeof task.pause>, void>();
  await task.stop();
  await task.destroy();
  const reset: number = await task.retryFailed();
  task.setSource(new MyProcessor());
  task.setSourceForResume(new MyProcessor());
  const { id, name, merkleRoot, totalJobs, completedJobs, failedJobs, duplicateInputs, currentConcurrency } =
    task;
  same<typeof merkleRoot, string | null>();
  same<typeof task.status, TaskStatus>();
  same<typeof task.type, TaskType>();
  same<typeof task.created, boolean>();
  const counts: number[] = [totalJobs, completedJobs, failedJobs, duplicateInputs, currentConcurrency, reset];
  void [id, name, counts];
  const { reason, limit, pace, rate, samples } = task.speed;
  same<typeof rate, number | undefined>();
  same<typeof pace, number | null>();
  same<typeof samples, readonly SpeedSample[]>();
  void [reason satisfies string, limit satisfies number, task.speed satisfies Speed];

  for (const meta of await hub.listTasks()) {
    if (meta.status === 'running' || meta.status === 'paused') {
      const resumed = await hub.resumeTask(meta.id, new MySource());
      if (resumed) await resumed.resume();
    }
  }
  await hub.close();
}

// --- inference, from the source through to job.output -------------------------------------------------------------

export async function inference(hub: Hub): Promise<void> {
  const stream = await hub.createTask({ name: 'n', source: new StreamProcessor() });
  same<typeof stream, Task<{ page: number }, string>>();

  const results = await stream.getResults({ status: 'completed' });
  same<(typeof results)[number], CompletedJob<{ page: number }, string>>();
  const failed = await stream.getResults({ status: 'failed', limit: 10, offset: 5, after: 3 });
  same<(typeof failed)[number], FailedJob<{ page: number }>>();
  same<FailedJob['failure']['name'], string>();
  for (const job of await stream.getResults({ limit: Infinity })) {
    same<typeof job, Job<{ page: number }, string>>();
    if (job.status === 'completed') same<typeof job.output, string>();
    else same<typeof job.output, undefined>();
    if (job.status === 'failed') same<typeof job.failure.message, string>();
  }
  for await (const job of stream.results({ status: 'completed' })) same<typeof job.output, string>();

  const lengths = defineTask({
    name: 'lengths',
    getData: () => ['a', 'bb'],
    handler: (input) => input.length,
  });
  const a = await hub.createTask(lengths);
  same<typeof a, Task<string, number>>();

  const awaited = defineTask({
    name: 'awaited',
    getData: async () => new Set([{ n: 1 }]),
    handler: async (input, ctx) => ({ twice: input.n * 2, attempt: ctx.attempt }),
  });
  const b = await hub.createTask(awaited);
  same<typeof b, Task<{ n: number }, { twice: number; attempt: number }>>();

  const withInputs = defineTask({ name: 'given', handler: (input: number) => `${input}` });
  const c = await hub.createTask(withInputs, { inputs: [1, 2] });
  same<typeof c, Task<number, string>>();
  // @ts-expect-error the handler takes numbers
  await hub.createTask(withInputs, { inputs: ['a'] });

  const d = await hub.createTask({ name: 'inline', getData: () => [1], handler: (input: number) => [input] });
  same<typeof d, Task<number, number[]>>();

  const e = await hub.resumeTask('id', new MyProcessor());
  same<typeof e, Task<string, number> | null>();
  const f = await hub.resumeTask('id', lengths, { timeout: 5 });
  same<typeof f, Task<string, number> | null>();
  const g = await hub.getTask<string, number>('id');
  same<typeof g, Task<string, number> | null>();

  // Anything of the shape of a source.
  const h = await hub.createTask({
    name: 'shape',
    source: { type: 'deterministic', getData: () => [true], handler: (input: boolean) => !input },
  });
  same<typeof h, Task<boolean, boolean>>();
}

// --- what must not compile ----------------------------------------------------------------------------------------

export function refused(hub: Hub): void {
  const rest = { name: 'n', getData: () => [1], handler: (input: number) => input };
  defineTask({ ...rest, type: 'dynamic', id: 'stream' });
  defineTask({ ...rest, type: 'deterministic' });
  // @ts-expect-error a dynamic task needs an id
  defineTask({ ...rest, type: 'dynamic' });
  // @ts-expect-error a dynamic task needs an id
  void hub.createTask({ ...rest, type: 'dynamic' });
  // @ts-expect-error a task needs a name
  defineTask({ getData: () => [1], handler: (input: number) => input });
  // @ts-expect-error a task needs a handler
  defineTask({ name: 'n', getData: () => [1] });
  // @ts-expect-error an unknown option
  defineTask({ ...rest, concurency: { max: 1 } });
  // @ts-expect-error an unknown option
  void hub.createTask({ name: 'n', source: new MyProcessor(), timeOut: 5 });
  // @ts-expect-error a source is no data
  void hub.createTask({ name: 'n', source: [1, 2] });
  // @ts-expect-error an unknown choice
  void hub.createTask({ name: 'n', source: new MyProcessor(), ifExists: 'replace' });
  // @ts-expect-error a status that is none
  void hub.listTasks({ status: 'ingesting' });
  // @ts-expect-error getData gives what handler does not take
  defineTask({ name: 'n', getData: () => [1], handler: (input: string) => input });
  // @ts-expect-error the abstract class asks for all of its members
  class Half extends TaskSource<string, number> {}
  void Half;
}

// --- explicit undefined is absent, under exactOptionalPropertyTypes -----------------------------------------------

export async function explicitUndefined(hub: Hub): Promise<void> {
  const concurrency: ConcurrencyConfig = {
    min: undefined,
    max: undefined,
    initial: undefined,
    algorithm: undefined,
    additiveIncrease: undefined,
    multiplicativeDecrease: undefined,
    successThreshold: undefined,
  };
  const retry: RetryConfig = {
    maxAttempts: undefined,
    baseDelay: undefined,
    maxDelay: undefined,
    jitter: undefined,
    maxThrottles: undefined,
    maxCrashes: undefined,
  };
  const config: TaskConfig = {
    concurrency: undefined,
    retry: undefined,
    timeout: undefined,
    stopGrace: undefined,
    lookAhead: undefined,
    progressInterval: undefined,
    halt: undefined,
    codec: undefined,
  };
  const options: CreateTaskOptions<string, number> = {
    ...config,
    name: 'n',
    source: new MyProcessor(),
    version: undefined,
    ifExists: undefined,
    reuse: undefined,
    duplicates: undefined,
  };
  await hub.createTask({
    ...options,
    concurrency,
    retry,
    halt: { failures: undefined, failureRate: undefined, when: undefined },
  });
  await hub.createTask(
    defineTask({
      ...config,
      name: 'n',
      type: undefined,
      id: undefined,
      getData: undefined,
      getJobId: undefined,
      isRetryable: undefined,
      isRateLimited: undefined,
      retryAfter: undefined,
      handler: (input: string) => input,
    }),
    { inputs: undefined },
  );
  await hub.createTask({
    name: 'n',
    source: {
      type: 'deterministic',
      id: undefined,
      codec: undefined,
      getData: () => ['a'],
      getJobId: undefined,
      isRetryable: undefined,
      isRateLimited: undefined,
      retryAfter: undefined,
      handler: (input: string) => input,
    },
  });
  await hub.resumeTask('id', new MyProcessor(), config);
  await hub.resumeTask('id', new MyProcessor(), undefined);
  await hub.listTasks({ name: undefined, status: undefined });
  const hubConfig: HubConfig = { leaseMs: undefined };
  new Hub(new MemoryAdapter(), hubConfig);
}

// --- the rest of the table ----------------------------------------------------------------------------------------

export async function others(hub: Hub, adapter: StorageAdapter, ctx: JobContext): Promise<void> {
  await using owned = new Hub(adapter);
  await using task = await owned.createTask({ name: 'n', source: new MyProcessor() });
  void task;

  same<ReturnType<Hub['initialize']>, Promise<void>>();
  same<ReturnType<Hub['deleteTask']>, Promise<boolean>>();
  same<ReturnType<Hub['resetFailedJobs']>, Promise<number>>();
  same<ReturnType<Hub['findTaskByMerkleRoot']>, Promise<TaskMeta | null>>();
  same<ReturnType<Hub['listTasks']>, Promise<TaskMeta[]>>();
  same<ReturnType<Hub['exportDatabase']>, Promise<Uint8Array>>();
  const { name, persistent, reason } = hub.storage;
  void [name satisfies string, persistent satisfies boolean, reason satisfies string];
  const { added, removed } = await hub.diff('a', 'b');
  for await (const id of added) same<typeof id, string>();
  for await (const id of removed) same<typeof id, string>();

  const texts: string[] = [await generateJobId(1), await generateTaskId('n', await computeMerkleRoot(['a']))];
  void texts;
  void [DEFAULT_AIMD_CONFIG satisfies AIMDConfig, DEFAULT_RETRY_CONFIG satisfies RetryConfig];
  void (DEFAULT_CONCURRENCY_CONFIG satisfies ConcurrencyConfig);
  void [Dispatcher, HttpError];
  same<InstanceType<typeof HttpError>['status'], number>();

  const emitter = new EventEmitter<{ done: (count: number) => void }>();
  emitter.on('done', (count) => same<typeof count, number>());
  emitter.emit('done', 5);
  // @ts-expect-error the event carries a number
  emitter.emit('done', 'x');
  same<
    keyof TaskEvents,
    | 'progress'
    | 'job:start'
    | 'job:complete'
    | 'job:failed'
    | 'job:retry'
    | 'rate-limited'
    | 'completed'
    | 'error'
  >();

  const error: unknown = new TaskHubError('HUB_CLOSED', 'closed');
  if (isTaskHubError(error, 'HUB_CLOSED')) void [error.code, error.details, error.cause];
  // @ts-expect-error there is no such code
  isTaskHubError(error, 'CLOSED');

  same<JobStatus, 'pending' | 'active' | 'completed' | 'failed'>();
  same<TaskStatus, 'idle' | 'running' | 'paused' | 'completed' | 'failed'>();
  same<TaskType, 'deterministic' | 'dynamic'>();
  same<TaskMeta['merkleRoot'], string | null>();

  const { signal, attempt, jobId, taskId, idempotencyKey } = ctx;
  void [
    signal satisfies AbortSignal,
    attempt satisfies number,
    jobId,
    taskId,
    idempotencyKey satisfies string,
  ];
  const response: Response = await ctx.fetch('https://example.org', { method: 'POST' });
  ctx.observe(response);
  ctx.observe(response.headers);
  ctx.observe({ 'x-ratelimit-remaining': '5' });
}
