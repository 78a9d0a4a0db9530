import { describe, expect, test } from 'vitest';
import { TaskHubError } from '../src/errors.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import {
  type Fault,
  type FaultPlan,
  FaultyAdapter,
  type StorageMethod,
} from '../src/testing/faulty-adapter.js';
import { bench, heard, listSource, numbers, rejection, sleep, takes, taskOf } from './fixtures.js';

const full = (): TaskHubError => new TaskHubError('STORAGE_FULL', 'database or disk is full');
const always =
  (method: StorageMethod, fault: Fault): FaultPlan =>
  (call) =>
    call.method === method ? fault : undefined;

/** 12 jobs, three at a time, each of 1 s; the store breaks by `plan` after 1.5 s. */
async function broken(plan: FaultPlan, handlerMs = 1000) {
  const adapter = new FaultyAdapter(new MemoryAdapter());
  const b = bench(adapter);
  const ended: number[] = [];
  const runs = new Map<number, number>();
  const aborted: number[] = [];
  const task = await taskOf(
    b,
    12,
    async (input, ctx) => {
      runs.set(input, (runs.get(input) ?? 0) + 1);
      ctx.signal.addEventListener('abort', () => aborted.push(input));
      await sleep(b.clock, handlerMs);
      ended.push(input);
      return input;
    },
    { concurrency: { max: 3, initial: 3 }, timeout: 0 },
  );
  const lines = heard(task);
  const started = task.start();
  await b.clock.advance(1500);
  adapter.plan = plan;
  return { ...b, adapter, task, lines, ended, runs, aborted, started };
}

const KINDS: [string, Fault][] = [
  ['fails', { error: full() }],
  ['does its work and fails', { error: full(), applied: true }],
];

for (const [how, fault] of KINDS) {
  describe(`an exchange that ${how} while the task runs`, () => {
    test('start() rejects with the code', async () => {
      const { run, started } = await broken(always('exchange', fault));
      expect(await rejection(run(started))).toMatchObject({ code: 'STORAGE_FULL' });
    });

    test('running handlers finish, and are not aborted', async () => {
      const { run, started, ended, aborted } = await broken(always('exchange', fault));
      await rejection(run(started));
      expect(ended.slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5]);
      expect(aborted).toEqual([]);
    });

    test('nothing is reported complete that is not recorded', async () => {
      const { run, started, lines, adapter, task } = await broken(always('exchange', fault));
      await rejection(run(started));
      const { rows } = await adapter.readJobs(task.id, { limit: 99 });
      const recorded = rows.filter((row) => row.status === 'completed').map((row) => `complete ${row.input}`);
      for (const line of lines.filter((line) => line.startsWith('complete ')))
        expect(recorded).toContain(line);
      expect(lines).not.toContain('completed');
      expect(lines.filter((line) => line.startsWith('failed'))).toEqual([]);
    });

    test('the error event tells it', async () => {
      const { run, started, lines } = await broken(always('exchange', fault));
      await rejection(run(started));
      expect(lines.filter((line) => line.startsWith('error'))).toEqual(['error database or disk is full']);
    });

    test('the task is resumable once the cause is mended, and no job is lost', async () => {
      const { run, started, adapter, task, lines } = await broken(always('exchange', fault));
      await rejection(run(started));
      expect(task.status).toBe('paused');
      adapter.plan = () => undefined;
      expect(await run(task.start())).toMatchObject({ status: 'completed', completed: 12, failed: 0 });
      expect(lines.at(-1)).toBe('completed');
    });

    test('jobs in its name get their attempts back', async () => {
      const { run, started, adapter, task } = await broken(always('exchange', fault));
      await rejection(run(started));
      adapter.plan = () => undefined;
      await run(task.start());
      const { rows } = await adapter.readJobs(task.id, { limit: 99 });
      expect(rows.map((row) => row.attempts)).toEqual(Array(12).fill(1));
    });

    test('another hub can go on', async () => {
      const { run, started, adapter, task, another, hub } = await broken(always('exchange', fault));
      await rejection(run(started));
      adapter.plan = () => undefined;
      await run(hub.close());
      const again = await run(another().resumeTask(task.id, listSource(numbers(12))));
      expect(await run(again?.resume() as Promise<unknown>)).toMatchObject({
        status: 'completed',
        completed: 12,
      });
    });

    test('one failure alone loses nothing: what was to be recorded is recorded with the second try', async () => {
      let left = 1;
      const once: FaultPlan = ({ method }) => (method === 'exchange' && left-- > 0 ? fault : undefined);
      const { run, started, task, adapter, runs } = await broken(once);
      expect(await rejection(run(started))).toMatchObject({ code: 'STORAGE_FULL' });
      expect(await run(task.start())).toMatchObject({ status: 'completed', completed: 12 });
      expect([...runs.values()]).toEqual(Array(12).fill(1));
      expect((await adapter.readTask(task.id))?.counts).toMatchObject({
        completed: 12,
        active: 0,
        pending: 0,
      });
    });
  });
}

describe('storage that fails', () => {
  test('an error that is no TaskHubError becomes STORAGE_FAILED with it as cause', async () => {
    const cause = new Error('disk I/O error');
    const { run, started } = await broken(always('exchange', { error: cause }));
    expect(await rejection(run(started))).toMatchObject({ code: 'STORAGE_FAILED', cause });
  });

  test('while handlers run for long, the engine waits for them without spinning', async () => {
    const { run, started, adapter, clock } = await broken(always('exchange', { error: full() }), 50_000);
    await clock.advance(15_000);
    const before = adapter.calls('exchange');
    await clock.advance(20_000);
    expect(adapter.calls('exchange')).toBe(before);
    await rejection(run(started));
    expect(clock.monotonic()).toBe(50_000);
  });

  test('stop() of a run whose storage failed ends it', async () => {
    const { run, started, task, clock } = await broken(always('exchange', { error: full() }), 50_000);
    await clock.advance(15_000);
    const error = rejection(started);
    await run(task.stop());
    expect(await error).toMatchObject({ code: 'STORAGE_FULL' });
    expect(clock.monotonic()).toBeLessThanOrEqual(21_500);
  });

  test('hub.close() of a run whose storage failed ends', async () => {
    const { run, hub, task, clock } = await broken(() => ({ error: full() }), 50_000);
    await clock.advance(15_000);
    await rejection(run(hub.close()));
    expect(task.status).toBe('paused');
  });

  const METHODS: StorageMethod[] = ['readTask', 'transitionTask', 'releaseJobs', 'exchange'];
  for (const method of METHODS) {
    test(`${method} that fails at the start rejects start(), which works once it is mended`, async () => {
      const adapter = new FaultyAdapter(new MemoryAdapter());
      const b = bench(adapter);
      const task = await taskOf(b, 4, () => 1);
      adapter.plan = always(method, { error: full() });
      expect(await rejection(b.run(task.start()))).toMatchObject({ code: 'STORAGE_FULL' });
      expect(task.status).toBe('paused');
      adapter.plan = () => undefined;
      expect(await b.run(task.start())).toMatchObject({ status: 'completed', completed: 4 });
    });
  }

  for (const method of ['readTask', 'transitionTask', 'releaseJobs'] as const) {
    test(`${method} that fails at the end rejects start(), and no job runs again`, async () => {
      const { run, started, task, runs } = await broken(always(method, { error: full() }));
      await rejection(run(started));
      expect(task.completedJobs).toBe(12);
      expect([...runs.values()]).toEqual(Array(12).fill(1));
    });
  }

  test('a pause that cannot be stored ends the run when its handlers have ended', async () => {
    const { task, run, started, runs } = await broken(always('transitionTask', { error: full() }));
    task.pause();
    expect(await rejection(run(started))).toMatchObject({ code: 'STORAGE_FULL' });
    expect([task.status, task.completedJobs, runs.size]).toEqual(['paused', 6, 6]);
  });

  test('a resume that cannot be stored rejects, and works once it is mended', async () => {
    const { task, run, clock, adapter } = await broken(() => undefined);
    task.pause();
    await clock.advance(5000);
    adapter.plan = always('transitionTask', { error: full() });
    expect(await rejection(run(task.resume()))).toMatchObject({ code: 'STORAGE_FULL' });
    adapter.plan = () => undefined;
    expect(await run(task.resume())).toMatchObject({ status: 'completed', completed: 12 });
  });

  test('retryFailed that fails rejects and changes nothing', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const task = await taskOf(b, 2, () => Promise.reject(new Error('bad')));
    await b.run(task.start());
    adapter.plan = always('resetFailed', { error: full() });
    await expect(b.run(task.retryFailed())).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    expect([task.status, task.failedJobs]).toEqual(['failed', 2]);
  });

  test('destroy that fails rejects', async () => {
    const { task, run } = await broken(always('deleteTask', { error: full() }));
    await expect(run(task.destroy())).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  });

  test('an exchange that is slow holds back neither running handlers nor the pause', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const task = await taskOf(b, 12, takes(b.clock, 100), { concurrency: { max: 3, initial: 3 } });
    adapter.plan = ({ method }) => (method === 'exchange' ? { until: sleep(b.clock, 1000) } : undefined);
    const started = task.start();
    await b.clock.advance(1050);
    task.pause();
    await b.clock.advance(10_000);
    expect([task.status, task.completedJobs]).toEqual(['paused', 3]);
    void task.resume();
    expect(await b.run(started)).toMatchObject({ completed: 12 });
  });

  test('a resume whose status is written slowly is not undone by what an exchange reads meanwhile', async () => {
    const { task, clock, adapter, run, started, runs } = await broken(() => undefined);
    task.pause();
    await clock.advance(5000);
    adapter.plan = ({ method }) => (method === 'transitionTask' ? { until: sleep(clock, 500) } : undefined);
    void task.resume();
    await clock.advance(400);
    expect([task.status, runs.size]).toEqual(['running', 9]);
    expect(await run(started)).toMatchObject({ completed: 12 });
  });

  test('a pause whose status is written slowly is not undone by what an exchange reads meanwhile', async () => {
    const { task, clock, adapter, runs } = await broken(() => undefined);
    adapter.plan = ({ method }) => (method === 'transitionTask' ? { until: sleep(clock, 2000) } : undefined);
    task.pause();
    await clock.advance(1500);
    expect([task.status, runs.size]).toEqual(['paused', 6]);
  });

  test('a stop while an exchange is under way gives back what it claims', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const calls: number[] = [];
    const task = await taskOf(b, 12, (input) => void calls.push(input));
    adapter.plan = ({ method }) => (method === 'exchange' ? { until: sleep(b.clock, 1000) } : undefined);
    void task.start();
    await b.clock.advance(500);
    await b.run(task.stop());
    expect(calls).toEqual([]);
    expect((await adapter.readTask(task.id))?.counts).toMatchObject({ pending: 12, active: 0 });
  });

  test('jobs that come while an exchange is under way are settled with the next', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const task = await taskOf(b, 40, takes(b.clock, 7));
    adapter.plan = ({ method }) => (method === 'exchange' ? { until: sleep(b.clock, 10) } : undefined);
    expect(await b.run(task.start())).toMatchObject({ completed: 40, ran: 40 });
  });
});
