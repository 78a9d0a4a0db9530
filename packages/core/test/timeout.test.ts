import { describe, expect, test } from 'vitest';
import type { TaskConfig } from '../src/types.js';
import { bench, deaf, heard, sleep, statuses, takes, taskOf } from './fixtures.js';

const ONCE = { maxAttempts: 1 };

/** A task of one job, whose handler ignores its signal; the first time it takes `ms`. `starts`: when it was called. */
async function deafAtFirst(ms: number, config: TaskConfig) {
  const b = bench();
  const starts: number[] = [];
  const handler = async (): Promise<void> => {
    starts.push(b.clock.monotonic());
    await sleep(b.clock, starts.length === 1 ? ms : 10);
  };
  return { b, starts, task: await taskOf(b, 1, handler, config) };
}

describe('timeout', () => {
  test('the signal aborts and the job is judged failed with JOB_TIMEOUT', async () => {
    const b = bench();
    let reason: unknown;
    const task = await taskOf(
      b,
      1,
      async (input, ctx) => {
        ctx.signal.addEventListener('abort', () => {
          reason = ctx.signal.reason;
        });
        return takes<number>(b.clock, 10_000)(input, ctx);
      },
      { timeout: 500, retry: ONCE },
    );
    await b.run(task.start());
    const [job] = await b.run(task.getResults());
    expect(job).toMatchObject({ status: 'failed', attempts: 1, failure: { code: 'JOB_TIMEOUT' } });
    expect(reason).toMatchObject({ code: 'JOB_TIMEOUT' });
    expect(b.clock.monotonic()).toBe(500);
  });

  test('it is retryable and spends an attempt', async () => {
    const b = bench();
    const task = await taskOf(
      b,
      1,
      (input, ctx) => takes<number>(b.clock, ctx.attempt < 3 ? 9999 : 10)(input, ctx),
      {
        timeout: 500,
      },
    );
    expect(await b.run(task.start())).toMatchObject({ completed: 1 });
    expect((await b.run(task.getResults()))[0]).toMatchObject({ attempts: 3, throttles: 0 });
  });

  test('the default is 30 s', async () => {
    const b = bench();
    const task = await taskOf(b, 1, takes(b.clock, 40_000), { retry: ONCE });
    await b.run(task.start());
    expect([task.failedJobs, b.clock.monotonic()]).toEqual([1, 30_000]);
  });

  for (const timeout of [0, Number.POSITIVE_INFINITY]) {
    test(`${timeout} is no timeout`, async () => {
      const b = bench(undefined, { leaseMs: 1e11 });
      const task = await taskOf(b, 1, takes(b.clock, 1e10), { timeout });
      expect(await b.run(task.start())).toMatchObject({ completed: 1, failed: 0 });
    });

    test(`${timeout} is kept by resumeTask in another hub`, async () => {
      const b = bench(undefined, { leaseMs: 1e11 });
      const task = await taskOf(b, 1, takes(b.clock, 1e10), { timeout });
      await b.run(b.hub.close());
      const again = await b.run(
        b
          .another()
          .resumeTask(task.id, { type: 'deterministic', getData: () => [], handler: takes(b.clock, 1e10) }),
      );
      expect(await b.run(again?.start() as Promise<unknown>)).toMatchObject({ completed: 1, failed: 0 });
    });
  }

  test('values above 2^31 − 1 work', async () => {
    const b = bench(undefined, { leaseMs: 1e11 });
    const task = await taskOf(b, 1, takes(b.clock, 2 ** 33), { timeout: 2 ** 32, retry: ONCE });
    await b.run(task.start());
    expect([task.failedJobs, b.clock.monotonic()]).toEqual([1, 2 ** 32]);
  });

  for (const timeout of [Number.NaN, -1]) {
    test(`${timeout} is refused with INVALID_CONFIG`, async () => {
      const b = bench();
      await expect(taskOf(b, 1, () => 1, { timeout })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    });
  }

  test('time spent waiting for a slot does not count', async () => {
    const b = bench();
    const task = await taskOf(b, 10, takes(b.clock, 400), {
      timeout: 500,
      concurrency: { max: 1 },
      retry: ONCE,
    });
    expect(await b.run(task.start())).toMatchObject({ completed: 10, failed: 0 });
  });

  test('a handler that reads the signal only after the timeout finds it aborted', async () => {
    const b = bench();
    let aborted: boolean | undefined;
    const task = await taskOf(
      b,
      1,
      async (_, ctx) => {
        await sleep(b.clock, 1000);
        aborted = ctx.signal.aborted;
      },
      { timeout: 500, retry: ONCE },
    );
    await b.run(task.start());
    await b.clock.advance(1000);
    expect(aborted).toBe(true);
  });
});

describe('deaf handlers', () => {
  test('the late answer of one is dropped', async () => {
    const b = bench();
    const task = await taskOf(b, 1, deaf(b.clock, 5000), { timeout: 500, retry: ONCE });
    const lines = heard(task);
    await b.run(task.start());
    await b.clock.advance(10_000);
    expect(await statuses(b, task)).toEqual(['failed']);
    expect(lines.filter((line) => line.startsWith('complete '))).toEqual([]);
  });

  test('one occupies its slot until it returns: never more than max at once', async () => {
    const b = bench();
    let [running, most] = [0, 0];
    const task = await taskOf(
      b,
      12,
      async (input) => {
        running += 1;
        most = Math.max(most, running);
        await sleep(b.clock, input % 3 === 0 ? 5000 : 100);
        running -= 1;
      },
      { timeout: 500, concurrency: { max: 3, initial: 3 }, retry: { maxAttempts: 2, baseDelay: 10 } },
    );
    await b.run(task.start());
    expect(most).toBe(3);
  });

  test('its job is not started again before it has returned', async () => {
    const { b, task, starts } = await deafAtFirst(7000, { timeout: 500, retry: { baseDelay: 10 } });
    expect(await b.run(task.start())).toMatchObject({ completed: 1 });
    expect(starts).toEqual([0, 7000]);
  });

  test('its job is not started again before it has returned, also across stop and resume', async () => {
    const { b, task, starts } = await deafAtFirst(9000, { stopGrace: 1000, timeout: 0 });
    void task.start();
    await b.clock.advance(100);
    await b.run(task.stop());
    expect(b.clock.monotonic()).toBe(1100);
    expect(await b.run(task.start())).toMatchObject({ completed: 1 });
    expect(starts).toEqual([0, 9000]);
  });

  test('stopped twice, its job is still not started before it has returned', async () => {
    const { b, task, starts } = await deafAtFirst(9000, { stopGrace: 1000, timeout: 0 });
    void task.start();
    await b.clock.advance(100);
    await b.run(task.stop());
    void task.start();
    await b.clock.advance(1000);
    await b.run(task.stop());
    expect((await b.run(task.getResults()))[0]).toMatchObject({ status: 'pending', attempts: 0 });
    await b.run(task.start());
    expect(starts).toEqual([0, 9000]);
  });

  test('its job waits paused, and starts on resume when it has returned', async () => {
    const { b, task, starts } = await deafAtFirst(3000, { timeout: 500, retry: { baseDelay: 10 } });
    const started = task.start();
    await b.clock.advance(1000);
    task.pause();
    await b.clock.advance(9000);
    expect(starts).toEqual([0]);
    void task.resume();
    expect(await b.run(started)).toMatchObject({ completed: 1 });
    expect(starts).toEqual([0, 10_000]);
  });

  test('its job is given back with the attempt by a pause, so that other processes may run it', async () => {
    const b = bench();
    const handler = deaf<number>(b.clock, 3000);
    const task = await taskOf(b, 1, handler, { timeout: 500, retry: { baseDelay: 10 } });
    void task.start();
    await b.clock.advance(1000);
    task.pause();
    await b.clock.advance(10);
    expect((await b.run(task.getResults()))[0]).toMatchObject({ status: 'pending', attempts: 1 });
  });

  test('the other slots go on meanwhile', async () => {
    const b = bench();
    const task = await taskOf(
      b,
      20,
      async (input) => {
        await sleep(b.clock, input === 0 ? 50_000 : 100);
        return input;
      },
      { timeout: 500, concurrency: { max: 4 }, retry: ONCE },
    );
    expect(await b.run(task.start())).toMatchObject({ completed: 19, failed: 1 });
    expect(b.clock.monotonic()).toBeLessThan(5000);
  });

  test('when they hold all slots for 60 s the run halts with HANDLERS_STUCK', async () => {
    const b = bench();
    const task = await taskOf(b, 4, () => new Promise(() => {}), {
      timeout: 1000,
      concurrency: { max: 2 },
      retry: ONCE,
    });
    const lines = heard(task);
    const summary = await b.run(task.start());
    expect(summary).toMatchObject({ status: 'failed', failed: 2, halted: { code: 'HANDLERS_STUCK' } });
    expect(b.clock.monotonic()).toBe(61_000);
    expect(await statuses(b, task)).toEqual(['failed', 'failed', 'pending', 'pending']);
    expect(lines).not.toContain('completed');
  });

  test('when the only jobs left are those of deaf handlers the run halts after 60 s too', async () => {
    const b = bench();
    const task = await taskOf(b, 3, (input) => (input === 0 ? new Promise(() => {}) : input), {
      timeout: 1000,
    });
    const summary = await b.run(task.start());
    expect(summary).toMatchObject({ status: 'failed', completed: 2, halted: { code: 'HANDLERS_STUCK' } });
    expect(b.clock.monotonic()).toBeLessThanOrEqual(63_000);
    expect(await statuses(b, task)).toEqual(['pending', 'completed', 'completed']);
  });

  test('one that returns within the 60 s lets the run go on', async () => {
    const b = bench();
    const task = await taskOf(
      b,
      4,
      async (input) => {
        await sleep(b.clock, input < 2 ? 50_000 : 10);
        return input;
      },
      { timeout: 1000, concurrency: { max: 2 }, retry: ONCE },
    );
    expect(await b.run(task.start())).toMatchObject({ status: 'completed', completed: 2, failed: 2 });
  });

  test('a halted task can be started again, and its stuck handlers still hold their slots', async () => {
    const b = bench();
    const calls: number[] = [];
    const task = await taskOf(
      b,
      4,
      async (input) => {
        calls.push(input);
        if (input < 2) await sleep(b.clock, 100_000);
        return input;
      },
      { timeout: 1000, concurrency: { max: 2 }, retry: ONCE },
    );
    await b.run(task.start());
    expect(task.status).toBe('failed');
    const again = task.start();
    await b.clock.advance(1000);
    expect(calls).toEqual([0, 1]);
    expect(await b.run(again)).toMatchObject({ status: 'completed', completed: 2, failed: 2 });
  });
});
