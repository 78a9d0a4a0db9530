// Everything that the README shows and no other example holds. Each piece runs here as it stands there.
import { createTaskHub, defineTask, HttpError, isTaskHubError, TaskSource } from '@shelchin/taskhub';
import { dataFile } from './data-file.ts';

const OUT_OF_ORDER = 5;

class MySource extends TaskSource<number, { square: number }> {
  readonly type = 'deterministic';

  getData() {
    return Array.from({ length: 100 }, (_, i) => i);
  }

  async handler(input: number) {
    if (input === OUT_OF_ORDER) throw new MyFatalError('this one never works');
    return { square: input * input };
  }

  // Should this error be tried again?
  isRetryable(error: unknown): boolean {
    if (error instanceof MyFatalError) return false;
    return super.isRetryable(error);
  }

  // Did the service refuse for a limit? Then it costs no attempt and the concurrency goes down.
  isRateLimited(error: unknown): boolean {
    if (error instanceof HttpError && error.body.includes('quota')) return true;
    return super.isRateLimited(error);
  }

  // When may it be asked again, in milliseconds from now?
  retryAfter(error: unknown): number | undefined {
    return super.retryAfter(error) ?? (error instanceof HttpError ? 1000 : undefined);
  }
}

class MyFatalError extends Error {}

async function everyOption(dbPath: string): Promise<void> {
  const hub = await createTaskHub({
    storage: 'auto', // 'auto' | 'memory' | 'bun-sqlite' | 'better-sqlite3' | 'node-sqlite', or a StorageAdapter
    dbPath, // SQLite database path; its folder must be there
    durability: 'relaxed', // 'strict' also survives power loss: every commit waits for the disk
    leaseMs: 30_000, // after so long without a sign of life, a process on another machine loses its jobs
  });
  console.log(hub.storage.persistent, hub.storage.reason);

  const task = await hub.createTask({
    name: 'my-task',
    source: new MySource(),
    version: '1', // of the handler's code: the same data under another version is refused
    ifExists: 'resume', // or 'retry' (failed jobs too), 'restart' (from nothing), 'error'
    reuse: false, // true: copy results of equal inputs from the last task of this name
    duplicates: 'skip', // or 'error', or 'run' (each repeat is a job of its own)
    concurrency: {
      min: 1, // Minimum concurrent jobs
      max: 50, // Maximum concurrent jobs
      initial: 5, // Starting concurrency
      algorithm: 'adaptive', // or 'aimd': only the three knobs below
      additiveIncrease: 1, // up by this
      successThreshold: 10, // after so many successes in a row
      multiplicativeDecrease: 0.5, // and down by this factor when refused
    },
    retry: {
      maxAttempts: 3, // Max attempts, the first included
      baseDelay: 1000, // Initial retry delay (ms), doubled each time
      maxDelay: 30_000, // Maximum retry delay (ms)
      jitter: 0.5, // share of the delay that chance may take off
      maxThrottles: Number.POSITIVE_INFINITY, // refusals that a job may meet
      maxCrashes: 3, // deaths of the process that a job may cause
    },
    timeout: 30_000, // Job timeout (ms); 0 for none
    stopGrace: 5000, // how long stop() waits for handlers (ms)
    lookAhead: 1000, // pending jobs up to which a dynamic source is read ahead
    progressInterval: 200, // least time between two progress events (ms)
    halt: {
      failures: 1000, // end the run after so many failed jobs,
      failureRate: { rate: 0.5, of: 100 }, // or when half of the last 100 failed,
      when: (error) => error instanceof HttpError && error.status === 401, // or on an error like this
    },
  });

  task.on('progress', (progress) => {
    // { taskId, total, completed, failed, pending, active, concurrency, elapsed, estimatedRemaining,
    //   ingesting, duplicates }
    console.log(`${progress.completed} of ${progress.total}`);
  });
  task.on('job:start', (job) => {
    // Job started processing
    if (job.attempts > 1) console.log(`${job.input} again`);
  });
  task.on('job:complete', (job) => {
    // Job completed successfully, and its result is recorded
    if (job.output.square > 9000) console.log(`${job.input} is large`);
  });
  task.on('job:failed', (job, error) => {
    // Job failed permanently
    console.log(`${job.input}: ${error.message}`);
  });
  task.on('job:retry', (job, attempt) => {
    // Job being retried; `attempt` is the one that failed or was refused
    console.log(`${job.input}: attempt ${attempt}, ${job.error}`);
  });
  task.on('rate-limited', (newConcurrency) => {
    // Rate limit detected, concurrency reduced
    console.log(`down to ${newConcurrency}`);
  });
  task.on('completed', () => {
    // All jobs finished
    console.log(`finished: ${task.status}, ${task.failedJobs} failed`);
  });
  task.on('error', (error) => {
    // An error outside jobs: of a listener, of the source, of the storage
    console.error(error);
  });

  // Why is it not faster? In words: "holding at 18: refused at 20, 41 s ago; next probe in 23 s"
  task.once('job:complete', () => {
    const { reason, limit, pace, rate, samples } = task.speed;
    console.log(`${limit} at once, ${pace ?? 'no'} pace, ${rate ?? 'no'} rate yet: ${reason}`);
    // At most 240 points over the whole run, for a chart: { time, limit, inFlight, pace, rate, refusals }
    console.log(`refused so far: ${samples.reduce((sum, { refusals }) => sum + refusals, 0)}`);
  });

  const summary = await task.start();
  // { status, total, completed, failed, ran, reused, duplicates, elapsed, halted?, errors }
  console.log(`${summary.completed} completed, ${summary.failed} failed`);

  // A page of results; `after` is the `index` of the last job of the page before.
  const page = await task.getResults({ status: 'completed', limit: 20, after: 39 });
  console.log(page.map((job) => job.output.square).join(' '));

  // Or all of them, without holding them in memory.
  for await (const job of task.results({ status: 'failed' })) {
    console.log(`${job.input}: ${job.failure.name} after ${job.attempts} attempt`);
  }
  await hub.close();
}

async function recoverAll(dbPath: string): Promise<void> {
  // After restart, find and resume incomplete tasks
  const hub = await createTaskHub({ dbPath });
  const tasks = await hub.listTasks();

  for (const taskMeta of tasks) {
    if (taskMeta.status === 'running' || taskMeta.status === 'paused') {
      const task = await hub.resumeTask(taskMeta.id, new MySource());
      if (task) {
        await task.resume();
      }
    }
  }
  console.log(`${tasks.length} tasks looked at`);
  await hub.close();
}

async function oneObject(dbPath: string): Promise<void> {
  const hub = await createTaskHub({ dbPath });
  const double = defineTask({
    name: 'double',
    handler: (input: number) => input * 2,
    concurrency: { max: 10 },
  });

  const task = await hub.createTask(double, { inputs: [1, 2, 3] });
  await task.start();
  for await (const job of task.results({ status: 'completed' })) console.log(job.output);
  await hub.close();
}

async function errors(): Promise<void> {
  try {
    await createTaskHub({ dbPath: 'no/such/folder/tasks.db' });
  } catch (error) {
    if (!isTaskHubError(error, 'STORAGE_NOT_FOUND')) throw error;
    console.log(error.message);
  }
}

async function shutdown(dbPath: string): Promise<void> {
  const hub = await createTaskHub({ dbPath });
  const task = await hub.createTask({ name: 'shutdown', source: new MySource() });

  // Jobs that run are stopped and given back; the next start of the program goes on with them.
  process.once('SIGTERM', () => hub.close());

  await task.start();
  await hub.close();
}

const dbPath = dataFile('reference.db');
await everyOption(dbPath);
await recoverAll(dbPath);
await oneObject(dbPath);
await errors();
await shutdown(dbPath);
