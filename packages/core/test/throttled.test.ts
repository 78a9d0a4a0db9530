import { describe, expect, test } from 'vitest';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { FaultyAdapter } from '../src/testing/faulty-adapter.js';
import type { JobContext, TaskConfig, TaskSourceLike } from '../src/types.js';
import { type Bench, bench, heard, refusal, sleep, takes, taskOf } from './fixtures.js';

/** A server that takes `cap` calls at once, each of 100 ms, and refuses the others at once (after 5 ms). */
async function capped(
  cap: number,
  count: number,
  config: TaskConfig & { rules?: Partial<TaskSourceLike<number, unknown>> } = {},
) {
  const b = bench();
  const server = { running: 0, most: 0, refused: 0, sent: 0 };
  const task = await taskOf(
    b,
    count,
    async (input) => {
      server.sent += 1;
      if (server.running >= cap) {
        server.refused += 1;
        await sleep(b.clock, 5);
        throw refusal();
      }
      server.running += 1;
      server.most = Math.max(server.most, server.running);
      await sleep(b.clock, 100);
      server.running -= 1;
      return input;
    },
    config,
  );
  return { ...b, task, server };
}

describe('throttled', () => {
  test('a storm of 429 spends no retry budget: no job fails', async () => {
    const { task, run, server } = await capped(3, 300, {
      retry: { maxAttempts: 1 },
      concurrency: { initial: 50 },
    });
    expect(await run(task.start())).toMatchObject({ status: 'completed', completed: 300, failed: 0 });
    expect(server.refused).toBeGreaterThan(0);
    const jobs = await run(task.getResults());
    expect(jobs.every((job) => job.attempts - job.throttles === 1)).toBe(true);
    expect(jobs.reduce((sum, job) => sum + job.throttles, 0)).toBe(server.refused);
  });

  test('a refused job goes back first in line', async () => {
    const b = bench();
    const order: number[] = [];
    const task = await taskOf(
      b,
      6,
      async (input, { attempt }) => {
        order.push(input);
        await sleep(b.clock, 100);
        if (input === 1 && attempt === 1) throw refusal();
      },
      { concurrency: { max: 1 } },
    );
    await b.run(task.start());
    expect(order).toEqual([0, 1, 1, 2, 3, 4, 5]);
  });

  test('a refused job goes before a due retry', async () => {
    const b = bench();
    const order: string[] = [];
    const task = await taskOf(
      b,
      4,
      async (input, { attempt }) => {
        order.push(`${input}.${attempt}`);
        await sleep(b.clock, 100);
        if (attempt > 1) return;
        if (input === 0) throw Object.assign(new Error('again'), { code: 'EPIPE' });
        if (input === 1) throw refusal();
      },
      { concurrency: { max: 1 }, retry: { baseDelay: 100, jitter: 0 } },
    );
    await b.run(task.start());
    // Job 0 falls due at 200, the moment at which job 1, sent at 100, is refused.
    expect(order.slice(0, 4)).toEqual(['0.1', '1.1', '1.2', '0.2']);
  });

  test('job:retry fires for it too, with the attempt that was refused', async () => {
    const b = bench();
    const task = await taskOf(b, 1, async (_, { attempt }) => {
      await sleep(b.clock, 10);
      if (attempt < 3) throw refusal();
    });
    const lines = heard(task);
    await b.run(task.start());
    expect(lines.filter((line) => line.startsWith('retry'))).toEqual(['retry 0 1', 'retry 0 2']);
  });

  test('the job of job:retry is pending and tells its error', async () => {
    const b = bench();
    const task = await taskOf(b, 1, async (_, { attempt }) => {
      await sleep(b.clock, 10);
      if (attempt === 1) throw refusal();
    });
    let seen: unknown;
    task.once('job:retry', (job) => {
      seen = job;
    });
    await b.run(task.start());
    expect(seen).toMatchObject({ status: 'pending', attempts: 1, throttles: 1, error: 'slow down' });
  });

  test('maxThrottles bounds it: the job fails with JOB_THROTTLED and its cause', async () => {
    const b = bench();
    let calls = 0;
    const task = await taskOf(
      b,
      1,
      async () => {
        calls += 1;
        await sleep(b.clock, 10);
        throw refusal();
      },
      { retry: { maxThrottles: 4 } },
    );
    let told: { job: object; error: Error } | undefined;
    task.on('job:failed', (job, error) => {
      told = { job, error };
    });
    expect(await b.run(task.start())).toMatchObject({ failed: 1 });
    expect(calls).toBe(4);
    expect(told?.error).toMatchObject({ code: 'JOB_THROTTLED', cause: { status: 429 } });
    const counters = { attempts: 4, throttles: 4 };
    expect(told?.job).toMatchObject(counters);
    expect(await task.getResults()).toMatchObject([counters]);
  });

  test('the refusal that is one too many reaches the controller as well', async () => {
    const b = bench();
    const task = await taskOf(
      b,
      4,
      async () => {
        await sleep(b.clock, 10);
        throw refusal();
      },
      { retry: { maxThrottles: 1 }, concurrency: { max: 4, initial: 4 } },
    );
    const lines = heard(task);
    await b.run(task.start());
    expect(lines.filter((line) => line.startsWith('rate-limited'))).toEqual(['rate-limited 2']);
  });

  test("a source's own isRateLimited returning true implies retryable", async () => {
    const b = bench();
    const task = await taskOf(
      b,
      1,
      async (_, { attempt }) => {
        await sleep(b.clock, 10);
        if (attempt < 5) throw new Error('quota');
      },
      { rules: { isRateLimited: () => true, isRetryable: () => false } },
    );
    expect(await b.run(task.start())).toMatchObject({ completed: 1 });
    expect((await b.run(task.getResults()))[0]).toMatchObject({ attempts: 5, throttles: 4 });
  });

  test("a source's own isRateLimited returning false switches the default off", async () => {
    const b = bench();
    const task = await taskOf(b, 1, () => Promise.reject(refusal()), {
      rules: { isRateLimited: () => false },
    });
    expect(await b.run(task.start())).toMatchObject({ failed: 1 });
    expect((await b.run(task.getResults()))[0]).toMatchObject({ attempts: 3, throttles: 0 });
  });
});

describe('hints', () => {
  const hinted = async (error: () => unknown, config: TaskConfig & { rules?: object } = {}) => {
    const b = bench();
    const sent: number[] = [];
    const task = await taskOf(
      b,
      6,
      async (input, { attempt }) => {
        sent.push(b.clock.monotonic());
        await sleep(b.clock, 10);
        if (input === 0 && attempt === 1) throw error();
      },
      { concurrency: { max: 1 }, ...config },
    );
    return { ...b, task, sent };
  };

  test('a Retry-After lets no call go before it has passed', async () => {
    const error = Object.assign(new Error(), { status: 429, headers: { 'Retry-After': '20' } });
    const { run, task, sent } = await hinted(() => error);
    await run(task.start());
    expect(sent.slice(0, 2)).toEqual([0, 20_010]);
  });

  test('retryAfter(error) of the source goes before the headers', async () => {
    const error = Object.assign(new Error(), { status: 429, headers: { 'Retry-After': '20' } });
    const { run, task, sent } = await hinted(() => error, { rules: { retryAfter: () => 3000 } });
    await run(task.start());
    expect(sent[1]).toBe(3010);
  });

  test('over 10 minutes is cut to 10', async () => {
    const { run, task, sent } = await hinted(() => refusal(5_000_000));
    await run(task.start());
    expect(sent[1]).toBe(600_010);
  });

  for (const bad of [0, -5, Number.NaN]) {
    test(`${bad} from retryAfter(error) is ignored`, async () => {
      const { run, task, sent } = await hinted(() => refusal(), {
        rules: { retryAfter: () => bad },
        concurrency: { max: 1, algorithm: 'aimd' },
      });
      await run(task.start());
      expect(sent[1]).toBe(10);
    });
  }

  test('the refused job is the first to go after it', async () => {
    const b = bench();
    const order: number[] = [];
    const task = await taskOf(
      b,
      3,
      async (input, { attempt }) => {
        order.push(input);
        await sleep(b.clock, 10);
        if (input === 0 && attempt === 1) throw refusal(5000);
      },
      { concurrency: { max: 1 } },
    );
    await b.run(task.start());
    expect(order).toEqual([0, 0, 1, 2]);
  });

  test('one that comes while the store is asked lets no call go either', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const sent: number[] = [];
    const handler = async (input: number, { attempt }: JobContext): Promise<void> => {
      sent.push(b.clock.monotonic());
      await sleep(b.clock, 10 * (input + 1));
      if (input === 1 && attempt === 1) throw refusal(5000);
    };
    const task = await taskOf(b, 8, handler, { concurrency: { max: 2 } });
    adapter.plan = ({ method }) => (method === 'exchange' ? { until: sleep(b.clock, 30) } : undefined);
    await b.run(task.start());
    // Sent at 30, job 0 ends at 40 and another is claimed until 70; job 1 is refused at 50.
    expect(sent.slice(0, 2)).toEqual([30, 30]);
    expect(sent[2]).toBeGreaterThanOrEqual(5050);
  });

  test('a hint holds no slot and stops at stop()', async () => {
    const { run, task, clock } = await hinted(() => refusal(500_000));
    const started = task.start();
    await clock.advance(1000);
    await run(task.stop());
    expect(await started).toMatchObject({ status: 'paused' });
    expect(clock.monotonic()).toBe(1000);
  });

  test('while it blocks, currentConcurrency and progress.concurrency are min', async () => {
    const b = bench();
    const task = await taskOf(
      b,
      400,
      async (input, { attempt }) => {
        await sleep(b.clock, 10);
        if (input === 3 && attempt === 1) throw refusal(60_000);
      },
      { concurrency: { min: 2, max: 20, initial: 16, algorithm: 'aimd' } },
    );
    void task.start();
    await b.clock.advance(100);
    expect([task.currentConcurrency, (await task.getProgress()).concurrency]).toEqual([2, 2]);
    await b.clock.advance(59_925);
    expect(task.currentConcurrency).toBe(8);
  });

  test('ctx.observe shows a quota that is used up: no call before its reset', async () => {
    const b = bench();
    const sent: number[] = [];
    const task = await taskOf(
      b,
      4,
      async (input, ctx) => {
        sent.push(b.clock.monotonic());
        await sleep(b.clock, 10);
        if (input === 1) ctx.observe({ 'RateLimit-Remaining': '0', 'RateLimit-Reset': '30' });
      },
      { concurrency: { max: 1 } },
    );
    await b.run(task.start());
    expect(sent).toEqual([0, 10, 30_020, 30_030]);
  });
});

describe('rate-limited', () => {
  test('fires once per decrease, not per refusal', async () => {
    const b = bench();
    const task = await taskOf(
      b,
      16,
      async (_, { attempt }) => {
        await sleep(b.clock, 10);
        if (attempt === 1) throw refusal();
      },
      { concurrency: { max: 16, initial: 16 } },
    );
    const lines = heard(task);
    await b.run(task.start());
    expect(lines.filter((line) => line.startsWith('rate-limited'))).toEqual(['rate-limited 8']);
  });

  for (const [algorithm, times, why] of [
    ['aimd', 3, 'once per decrease'],
    ['adaptive', 1, 'once per block'],
  ] as const) {
    test(`fires also when concurrency is already at its floor, ${algorithm}: ${why}`, async () => {
      const b = bench();
      const task = await taskOf(
        b,
        1,
        async (_, { attempt }) => {
          await sleep(b.clock, 10);
          if (attempt <= 3) throw refusal(1000);
        },
        { concurrency: { max: 1, algorithm } },
      );
      const lines = heard(task);
      await b.run(task.start());
      const events = lines.filter((line) => line.startsWith('rate-limited'));
      expect(events).toEqual(Array.from({ length: times }, () => 'rate-limited 1'));
    });
  }

  test('tells whole numbers in [min, max]', async () => {
    const { task, run } = await capped(3, 200, { concurrency: { min: 2, max: 33, initial: 33 } });
    const seen: number[] = [];
    task.on('rate-limited', (concurrency) => seen.push(concurrency));
    await run(task.start());
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every((n) => Number.isInteger(n) && n >= 2 && n <= 33)).toBe(true);
  });

  test('a timeout decreases the concurrency and is no rate-limited event', async () => {
    const b = bench();
    const task = await taskOf(b, 8, takes(b.clock, 1000), {
      timeout: 100,
      retry: { maxAttempts: 1 },
      concurrency: { max: 8, initial: 8 },
    });
    const lines = heard(task);
    void task.start();
    await b.clock.advance(99);
    expect(task.currentConcurrency).toBe(8);
    await b.clock.advance(1);
    expect(lines.filter((line) => line.startsWith('rate-limited'))).toEqual([]);
    expect(task.failedJobs).toBe(8);
  });
});

describe('currentConcurrency', () => {
  test('is initial before the start, clamped 5 by default', async () => {
    const b = bench();
    expect((await taskOf(b, 1, () => 1)).currentConcurrency).toBe(5);
    expect((await taskOf(b, 2, () => 1, { concurrency: { max: 3 } })).currentConcurrency).toBe(3);
    expect((await taskOf(b, 3, () => 1, { concurrency: { initial: 9 } })).currentConcurrency).toBe(9);
  });

  test('grows by additiveIncrease after successThreshold successes', async () => {
    const b = bench();
    const task = await taskOf(b, 100, takes(b.clock, 100), {
      concurrency: { initial: 4, max: 50, additiveIncrease: 3, successThreshold: 4 },
    });
    void task.start();
    await b.clock.advance(99);
    expect(task.currentConcurrency).toBe(4);
    await b.clock.advance(1);
    expect(task.currentConcurrency).toBe(7);
  });

  test('with 30 jobs that succeed ends between 7 and 9', async () => {
    const b: Bench = bench();
    const task = await taskOf(b, 30, takes(b.clock, 100));
    let last = 0;
    task.on('progress', ({ concurrency }) => {
      last = concurrency;
    });
    await b.run(task.start());
    expect(last).toBeGreaterThanOrEqual(7);
    expect(last).toBeLessThanOrEqual(9);
  });
});
