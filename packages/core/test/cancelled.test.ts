import { describe, expect, test } from 'vitest';
import type { Task } from '../src/task.js';
import type { JobContext } from '../src/types.js';
import { type Bench, bench, brokenPipe, deaf, heard, sleep, statuses, takes, taskOf } from './fixtures.js';

/** How a run with active jobs is ended from outside. */
const WAYS = {
  stop: async ({ run }: Bench, task: Task<number, unknown>): Promise<void> => run(task.stop()),
  close: async ({ run, hub }: Bench): Promise<void> => run(hub.close()),
} as const;

describe('cancelled is not failed', () => {
  for (const way of ['stop', 'close'] as const) {
    const interrupted = async (handler: (b: Bench) => (input: number, ctx: JobContext) => unknown) => {
      const b = bench();
      const task = await taskOf(b, 2, handler(b));
      const lines = heard(task);
      void task.start();
      await b.clock.advance(100);
      await WAYS[way](b, task);
      const { rows } = await b.adapter.readJobs(task.id, { limit: 10 });
      return { ...b, task, lines, rows };
    };

    test(`${way}: a job that obeys its signal goes back to pending, with no job:failed`, async () => {
      const { rows, lines } = await interrupted(({ clock }) => takes(clock, 1000));
      expect(rows.map((row) => row.status)).toEqual(['pending', 'pending']);
      expect(lines).toEqual(['start 0', 'start 1']);
    });

    test(`${way}: gives the attempt back`, async () => {
      const { rows } = await interrupted(({ clock }) => takes(clock, 1000));
      expect(rows.map((row) => row.attempts)).toEqual([0, 0]);
    });

    test(`${way}: a job that rejects with an error of its own after the abort was cancelled too`, async () => {
      const { rows, lines } = await interrupted(() => (_, ctx) => {
        return new Promise((_, reject) => {
          ctx.signal.addEventListener('abort', () => reject(new Error('socket closed')));
        });
      });
      expect(rows.map((row) => [row.status, row.attempts, row.error])).toEqual([
        ['pending', 0, null],
        ['pending', 0, null],
      ]);
      expect(lines).toEqual(['start 0', 'start 1']);
    });

    test(`${way}: a job that ends well within the grace is recorded and announced`, async () => {
      const { rows, lines } = await interrupted(({ clock }) => deaf(clock, 1000));
      expect(rows.map((row) => row.status)).toEqual(['completed', 'completed']);
      expect(lines.slice(2, 4)).toEqual(['complete 0', 'complete 1']);
    });

    test(`${way}: jobs are due again at once`, async () => {
      const { rows, clock } = await interrupted(({ clock }) => takes(clock, 1000));
      for (const row of rows) expect(row.dueAt).toBeLessThanOrEqual(clock.now());
    });
  }

  test('stop: a job whose timeout falls into the grace was cancelled, not timed out', async () => {
    const b = bench();
    const task = await taskOf(b, 1, deaf(b.clock, 60_000), { timeout: 1000, retry: { maxAttempts: 1 } });
    void task.start();
    await b.clock.advance(900);
    await b.run(task.stop());
    const [job] = await b.run(task.getResults());
    expect(job).toMatchObject({ status: 'pending', attempts: 0, error: undefined });
  });

  test('stop: keeps the attempts that were spent before', async () => {
    const b = bench();
    const task = await taskOf(b, 1, (_, ctx) => {
      if (ctx.attempt === 1) throw brokenPipe();
      return takes<number>(b.clock, 1000)(0, ctx);
    });
    void task.start();
    await b.clock.advance(1500);
    await b.run(task.stop());
    const [job] = await b.run(task.getResults());
    expect(job).toMatchObject({ status: 'pending', attempts: 1, error: 'broken' });
  });

  test('stop: the same attempt number runs again after it', async () => {
    const b = bench();
    const attempts: number[] = [];
    const task = await taskOf(b, 1, (input, ctx) => {
      attempts.push(ctx.attempt);
      return takes<number>(b.clock, 1000)(input, ctx);
    });
    void task.start();
    await b.clock.advance(100);
    await b.run(task.stop());
    await b.run(task.start());
    expect(attempts).toEqual([1, 1]);
  });

  test('stop: a job in backoff keeps its due time', async () => {
    const b = bench();
    const task = await taskOf(
      b,
      1,
      () => {
        throw brokenPipe();
      },
      { retry: { jitter: 0, baseDelay: 9000 } },
    );
    void task.start();
    await b.clock.advance(1000);
    const due = b.clock.now() + 8000;
    await b.run(task.stop());
    const [job] = await b.run(task.getResults());
    expect(job).toMatchObject({ attempts: 1, scheduledAt: due });
  });

  test('stop: the signal says why', async () => {
    const b = bench();
    let reason: unknown;
    const task = await taskOf(b, 1, async (_, ctx) => {
      await new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve()));
      reason = ctx.signal.reason;
    });
    void task.start();
    await b.clock.advance(1);
    await b.run(task.stop());
    expect(reason).toMatchObject({ code: 'JOB_INTERRUPTED' });
  });

  test('halt: the jobs that it interrupts go back to pending', async () => {
    const b = bench();
    const handler = async (input: number, ctx: JobContext): Promise<number> => {
      if (input > 0) return takes<number>(b.clock, 1000)(input, ctx);
      await sleep(b.clock, 10);
      throw new Error('bad');
    };
    const task = await taskOf(b, 3, handler, { halt: { failures: 1 } });
    const lines = heard(task);
    await b.run(task.start());
    expect(await statuses(b, task)).toEqual(['failed', 'pending', 'pending']);
    expect(lines.filter((line) => line.startsWith('failed'))).toEqual(['failed 0 bad']);
  });
});

describe('close()', () => {
  test('close: settles the promise of a running task as paused', async () => {
    const b = bench();
    const task = await taskOf(b, 2, takes(b.clock, 1000));
    const started = task.start();
    await b.clock.advance(100);
    await b.run(b.hub.close());
    expect(await started).toMatchObject({ status: 'paused', completed: 0 });
    expect((await b.adapter.readTask(task.id))?.status).toBe('paused');
  });

  test('close: settles the promise of a paused task', async () => {
    const b = bench();
    const task = await taskOf(b, 8, takes(b.clock, 1000));
    const started = task.start();
    await b.clock.advance(100);
    task.pause();
    await b.clock.advance(5000);
    await b.run(b.hub.close());
    expect(await started).toMatchObject({ status: 'paused', completed: 5 });
  });

  test('close: is idempotent', async () => {
    const b = bench();
    const task = await taskOf(b, 2, takes(b.clock, 1000));
    void task.start();
    await b.run(Promise.all([b.hub.close(), b.hub.close()]));
    await b.run(b.hub.close());
  });

  test('close: await using closes', async () => {
    const b = bench();
    await taskOf(b, 1, () => 1);
    await b.run(b.hub[Symbol.asyncDispose]());
    await expect(b.hub.listTasks()).rejects.toMatchObject({ code: 'HUB_CLOSED' });
  });

  test('close: start() rejects with HUB_CLOSED afterwards, stop() and pause() do nothing', async () => {
    const b = bench();
    const task = await taskOf(b, 1, () => 1);
    await b.run(b.hub.close());
    await expect(task.start()).rejects.toMatchObject({ code: 'HUB_CLOSED' });
    await task.stop();
    task.pause();
    expect(task.status).toBe('idle');
  });

  test('close: what is known of a task stays readable', async () => {
    const b = bench();
    const task = await taskOf(b, 3, () => 1);
    await b.run(task.start());
    await b.run(b.hub.close());
    expect([task.status, task.totalJobs, task.completedJobs]).toEqual(['completed', 3, 3]);
  });

  test('close: leaves no timer behind', async () => {
    const b = bench();
    const task = await taskOf(b, 20, takes(b.clock, 1000), { concurrency: { max: 3 } });
    void task.start();
    await b.clock.advance(1500);
    await b.run(b.hub.close());
    expect(b.clock.pending).toBe(0);
  });

  test('close: of a hub that was never used', async () => {
    const { hub, run } = bench();
    await run(hub.close());
    await expect(hub.listTasks()).rejects.toMatchObject({ code: 'HUB_CLOSED' });
  });

  test('close: another hub goes on with the jobs', async () => {
    const b = bench();
    const task = await taskOf(b, 4, takes(b.clock, 1000));
    void task.start();
    await b.clock.advance(100);
    await b.run(b.hub.close());
    const hub = b.another();
    const again = await taskOf({ ...b, hub }, 4, takes(b.clock, 10));
    expect([again.created, again.status]).toEqual([false, 'paused']);
    expect(await b.run(again.resume())).toMatchObject({ status: 'completed', completed: 4 });
  });
});

describe('the end of a run', () => {
  test('no timer is left after the last job', async () => {
    const b = bench();
    const task = await taskOf(b, 30, takes(b.clock, 100), { timeout: 5000 });
    await b.run(task.start());
    expect(b.clock.pending).toBe(0);
  });

  test('no timer is left after a stop with deaf handlers, but theirs', async () => {
    const b = bench();
    const task = await taskOf(b, 2, () => new Promise(() => {}), { timeout: 5000 });
    void task.start();
    await b.clock.advance(100);
    await b.run(task.stop());
    expect(b.clock.pending).toBe(0);
  });

  test('no timer is left after a halt', async () => {
    const b = bench();
    const task = await taskOf(b, 9, () => Promise.reject(new Error('bad')), { halt: { failures: 2 } });
    await b.run(task.start());
    expect(b.clock.pending).toBe(0);
  });
});
