import { describe, expect, test } from 'vitest';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { FaultyAdapter } from '../src/testing/faulty-adapter.js';
import { bench, brokenPipe, heard, refusal, rejection, sleep, taskOf } from './fixtures.js';

describe('attempts and throttles', () => {
  test('attempts counts the executions that ended, ctx.attempt from 1', async () => {
    const b = bench();
    const seen: number[] = [];
    const task = await taskOf(b, 1, (_, ctx) => {
      seen.push(ctx.attempt);
      throw brokenPipe();
    });
    await b.run(task.start());
    const [job] = await b.run(task.getResults());
    expect(seen).toEqual([1, 2, 3]);
    expect(job).toMatchObject({ status: 'failed', attempts: 3, throttles: 0 });
  });

  test('refusals count in both and spend no retry budget', async () => {
    const b = bench();
    const task = await taskOf(b, 1, async (_, { attempt }) => {
      await sleep(b.clock, 10);
      // Refused, failed, refused, failed, failed: the third failure is the last.
      throw [1, 3].includes(attempt) ? refusal() : brokenPipe();
    });
    await b.run(task.start());
    const [job] = await b.run(task.getResults());
    expect(job).toMatchObject({ status: 'failed', attempts: 5, throttles: 2 });
  });

  test('maxAttempts 1 does not retry', async () => {
    const b = bench();
    const task = await taskOf(b, 1, () => Promise.reject(brokenPipe()), { retry: { maxAttempts: 1 } });
    await b.run(task.start());
    expect((await b.run(task.getResults()))[0]).toMatchObject({ status: 'failed', attempts: 1 });
  });

  test('an error that is not retryable is not repeated', async () => {
    const b = bench();
    const task = await taskOf(b, 1, () => {
      throw new TypeError('x is not a function');
    });
    await b.run(task.start());
    expect((await b.run(task.getResults()))[0]).toMatchObject({ status: 'failed', attempts: 1 });
  });

  test('retryFailed sets attempts and throttles to zero', async () => {
    const b = bench();
    const task = await taskOf(b, 1, async (_, { attempt }) => {
      await sleep(b.clock, 10);
      throw attempt === 1 ? refusal() : new Error('bad');
    });
    await b.run(task.start());
    await b.run(task.retryFailed());
    const [job] = await b.run(task.getResults());
    expect(job).toMatchObject({ status: 'pending', attempts: 0, throttles: 0, error: 'bad' });
  });

  test('a job that completes after failures has no error', async () => {
    const b = bench();
    const task = await taskOf(b, 1, (_, { attempt }) => {
      if (attempt < 3) throw brokenPipe();
      return 'ok';
    });
    await b.run(task.start());
    const [job] = await b.run(task.getResults());
    expect(job).toMatchObject({ status: 'completed', attempts: 3, output: 'ok', error: undefined });
  });
});

/** When a job was tried whose handler always throws `error`, ms after the start. */
async function timesOf(error: Error, config: Parameters<typeof taskOf>[3]): Promise<number[]> {
  const b = bench();
  const times: number[] = [];
  const handler = (): never => {
    times.push(b.clock.monotonic());
    throw error;
  };
  const task = await taskOf(b, 1, handler, config);
  await b.run(task.start());
  return times;
}

describe('backoff', () => {
  test('the delay after the nth spent attempt is baseDelay · 2^(n−1), at most maxDelay', async () => {
    const times = await timesOf(brokenPipe(), {
      retry: { maxAttempts: 6, baseDelay: 100, maxDelay: 700, jitter: 0 },
    });
    expect(times).toEqual([0, 100, 300, 700, 1400, 2100]);
  });

  test('with a baseDelay of 0 the next attempt follows at once', async () => {
    const times = await timesOf(brokenPipe(), { retry: { maxAttempts: 3, baseDelay: 0 } });
    expect(times).toEqual([0, 0, 0]);
  });

  test('refusals do not lengthen it', async () => {
    const b = bench();
    const times: number[] = [];
    const task = await taskOf(
      b,
      1,
      async (_, { attempt }) => {
        times.push(b.clock.monotonic());
        await sleep(b.clock, 10);
        throw attempt <= 5 ? refusal() : brokenPipe();
      },
      { retry: { maxAttempts: 2, baseDelay: 1000, jitter: 0 }, concurrency: { algorithm: 'aimd' } },
    );
    await b.run(task.start());
    expect(times.slice(4)).toEqual([40, 50, 1060]);
  });

  test('jitter takes up to half of it off by default', async () => {
    const b = bench();
    const seen: number[] = [];
    const task = await taskOf(b, 50, () => Promise.reject(brokenPipe()), {
      concurrency: { max: 50, initial: 50 },
    });
    task.on('job:retry', (job, attempt) => {
      if (attempt === 1) seen.push((job.scheduledAt ?? 0) - b.clock.now());
    });
    await b.run(task.start());
    expect(seen).toHaveLength(50);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...seen)).toBeLessThanOrEqual(1000);
    expect(new Set(seen).size).toBeGreaterThan(10);
  });

  test('it is stored, so it holds across a stop, and another hub waits for it too', async () => {
    const b = bench();
    const times: number[] = [];
    const handler = (): never => {
      times.push(b.clock.monotonic());
      throw brokenPipe();
    };
    const options = { retry: { maxAttempts: 2, baseDelay: 10_000, jitter: 0 } };
    const task = await taskOf(b, 1, handler, options);
    void task.start();
    await b.clock.advance(1000);
    await b.run(b.hub.close());
    const again = await taskOf({ ...b, hub: b.another() }, 1, handler, options);
    await b.run(again.start());
    expect(times).toEqual([0, 10_000]);
  });

  test('a job that waits holds no slot', async () => {
    const b = bench();
    const times: string[] = [];
    const task = await taskOf(
      b,
      3,
      (input, { attempt }) => {
        times.push(`${b.clock.monotonic()}: ${input}`);
        if (input === 0 && attempt === 1) throw brokenPipe();
        return input;
      },
      { concurrency: { max: 1 }, retry: { jitter: 0 } },
    );
    await b.run(task.start());
    expect(times).toEqual(['0: 0', '0: 1', '0: 2', '1000: 0']);
  });

  test('a due retry goes before fresh jobs, which go in source order', async () => {
    const b = bench();
    const order: number[] = [];
    const task = await taskOf(
      b,
      6,
      async (input, { attempt }) => {
        order.push(input);
        await sleep(b.clock, 600);
        if (input === 0 && attempt === 1) throw brokenPipe();
      },
      { concurrency: { max: 1 }, retry: { jitter: 0 } },
    );
    await b.run(task.start());
    // Due at 1600, while job 2 runs until 1800.
    expect(order).toEqual([0, 1, 2, 0, 3, 4, 5]);
  });

  test('a hint of a retryable error delays it, if it is longer', async () => {
    const times = await timesOf(
      Object.assign(new Error('down'), { status: 500, headers: { 'Retry-After': '7' } }),
      { retry: { maxAttempts: 2 } },
    );
    expect(times).toEqual([0, 7000]);
  });

  test('a fraction in retryAfter() is stored as whole ms', async () => {
    const b = bench();
    const task = await taskOf(b, 1, () => Promise.reject(brokenPipe()), {
      retry: { maxAttempts: 2 },
      rules: { retryAfter: () => 5000.4 },
    });
    let due: number | undefined;
    task.once('job:retry', (job) => {
      due = job.scheduledAt;
    });
    const start = b.clock.now();
    await b.run(task.start());
    expect(due).toBe(start + 5001);
  });

  test('retryAfter() that knows nothing leaves it to the headers', async () => {
    const times = await timesOf(Object.assign(brokenPipe(), { retryAfter: 9 }), {
      retry: { maxAttempts: 2 },
      rules: { retryAfter: () => undefined },
    });
    expect(times).toEqual([0, 9000]);
  });
});

describe('retryFailed() and resetFailedJobs()', () => {
  const failing = async (statusWanted: 'completed' | 'failed') => {
    const b = bench();
    let bad = true;
    const task = await taskOf(b, 4, (input) => {
      if (bad && (statusWanted === 'failed' || input % 2 === 1)) throw new Error('bad');
      return input;
    });
    await b.run(task.start());
    bad = false;
    return { ...b, task };
  };

  for (const status of ['completed', 'failed'] as const) {
    const count = status === 'completed' ? 2 : 4;
    test(`on a ${status} task puts failed jobs back, gives their number and makes it paused`, async () => {
      const { task, run, adapter } = await failing(status);
      expect(await run(task.retryFailed())).toBe(count);
      expect([task.status, task.failedJobs]).toEqual(['paused', 0]);
      expect((await adapter.readTask(task.id))?.status).toBe('paused');
    });

    for (const command of ['start', 'resume'] as const) {
      test(`${command}() after it on a ${status} task runs them`, async () => {
        const { task, run } = await failing(status);
        await run(task.retryFailed());
        expect(await run(task[command]())).toMatchObject({ status: 'completed', completed: 4, ran: count });
      });
    }
  }

  test('where: puts back only the failed jobs that it says', async () => {
    const { task, run } = await failing('failed');
    expect(
      await run(task.retryFailed({ where: (job) => job.index > 1 && job.failure.message === 'bad' })),
    ).toBe(2);
    expect([task.status, task.failedJobs]).toEqual(['paused', 2]);
    expect(await run(task.start())).toMatchObject({ completed: 2, failed: 2, ran: 2 });
    expect(await run(task.retryFailed({ where: () => false }))).toBe(0);
  });

  test('where: reaches jobs of every page', async () => {
    const b = bench();
    let bad = true;
    const task = await taskOf(b, 1300, (input) => {
      if (bad) throw new Error(input % 2 === 0 ? 'even' : 'odd');
      return input;
    });
    await b.run(task.start());
    bad = false;
    expect(await b.run(task.retryFailed({ where: (job) => job.error === 'odd' }))).toBe(650);
    expect(await b.run(task.start())).toMatchObject({ completed: 650, failed: 650 });
  });

  test('where that is no function is INVALID_CONFIG', async () => {
    const { task, run } = await failing('failed');
    const options = { where: 'code' } as unknown as Parameters<typeof task.retryFailed>[0];
    expect(await rejection(run(task.retryFailed(options)))).toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('resetFailedJobs does the same by id', async () => {
    const { task, run, hub } = await failing('completed');
    expect(await run(hub.resetFailedJobs(task.id))).toBe(2);
    expect(task.status).toBe('paused');
  });

  test('resetFailedJobs of a task that is not there rejects with TASK_NOT_FOUND', async () => {
    const { hub, run } = bench();
    await expect(run(hub.resetFailedJobs('0'.repeat(64)))).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
  });

  test('resetFailedJobs by another hub: start() here runs them', async () => {
    const { task, run, another } = await failing('completed');
    await run(another().resetFailedJobs(task.id));
    expect(await run(task.start())).toMatchObject({ completed: 4, failed: 0, ran: 2 });
  });

  test('with none failed gives 0 and changes nothing', async () => {
    const b = bench();
    const task = await taskOf(b, 2, () => 1);
    await b.run(task.start());
    expect(await b.run(task.retryFailed())).toBe(0);
    expect(task.status).toBe('completed');
  });

  test('on an idle task gives 0 and leaves it idle', async () => {
    const b = bench();
    const task = await taskOf(b, 2, () => 1);
    expect(await b.run(task.retryFailed())).toBe(0);
    expect(task.status).toBe('idle');
  });

  test('on a paused task puts them back and leaves it paused', async () => {
    const b = bench();
    let bad = true;
    const task = await taskOf(
      b,
      4,
      async (input) => {
        await sleep(b.clock, 100);
        if (bad) throw new Error('bad');
        return input;
      },
      { concurrency: { max: 2 } },
    );
    const started = task.start();
    await b.clock.advance(50);
    task.pause();
    await b.clock.advance(1000);
    bad = false;
    expect(await b.run(task.retryFailed())).toBe(2);
    expect([task.status, task.failedJobs]).toEqual(['paused', 0]);
    void task.resume();
    expect(await b.run(started)).toMatchObject({ completed: 4, failed: 0 });
  });

  test('on a running task the run goes on with them', async () => {
    const b = bench();
    let bad = true;
    const task = await taskOf(
      b,
      4,
      async (input) => {
        await sleep(b.clock, 1000);
        if (bad && input < 2) throw new Error('bad');
        return input;
      },
      { concurrency: { max: 2 } },
    );
    const started = task.start();
    await b.clock.advance(1100);
    bad = false;
    expect(await b.run(task.retryFailed())).toBe(2);
    expect(task.status).toBe('running');
    expect(await b.run(started)).toMatchObject({ completed: 4, failed: 0 });
  });

  test('from a job:failed listener of the last job the run goes on', async () => {
    const b = bench();
    let calls = 0;
    const task = await taskOf(b, 1, () => {
      calls += 1;
      if (calls === 1) throw new Error('bad');
      return 1;
    });
    task.once('job:failed', () => void task.retryFailed());
    expect(await b.run(task.start())).toMatchObject({ status: 'completed', completed: 1, failed: 0 });
  });

  test('while the run is writing its end leaves a paused task that start() runs', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    let calls = 0;
    const task = await taskOf(b, 1, () => {
      calls += 1;
      if (calls === 1) throw new Error('bad');
      return 1;
    });
    adapter.plan = ({ method, args }) =>
      method === 'transitionTask' && JSON.stringify(args).includes('"status":"failed"')
        ? { until: sleep(b.clock, 1000) }
        : undefined;
    void task.start();
    await b.clock.advance(100);
    expect(await b.run(task.retryFailed())).toBe(1);
    expect([task.status, (await adapter.readTask(task.id))?.status]).toEqual(['paused', 'paused']);
    expect(await b.run(task.start())).toMatchObject({ status: 'completed', completed: 1 });
  });

  test('from a completed listener leaves a paused task that start() runs', async () => {
    const b = bench();
    let calls = 0;
    const task = await taskOf(b, 1, () => {
      calls += 1;
      if (calls === 1) throw new Error('bad');
      return 1;
    });
    let reset: Promise<number> | undefined;
    task.once('completed', () => {
      reset = task.retryFailed();
    });
    await b.run(task.start());
    expect([await b.run(reset as Promise<number>), task.status]).toEqual([1, 'paused']);
    expect(await b.run(task.start())).toMatchObject({ status: 'completed', completed: 1 });
  });

  test('announces the job as failed again when it fails again', async () => {
    const b = bench();
    const task = await taskOf(b, 1, () => Promise.reject(new Error('bad')));
    const lines = heard(task);
    await b.run(task.start());
    await b.run(task.retryFailed());
    await b.run(task.start());
    expect(lines.filter((line) => line === 'failed 0 bad')).toHaveLength(2);
  });
});
