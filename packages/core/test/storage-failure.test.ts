import { describe, expect, test } from 'vitest';
import { TaskHubError } from '../src/errors.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import {
  type Fault,
  type FaultPlan,
  FaultyAdapter,
  type StorageMethod,
} from '../src/testing/faulty-adapter.js';
import {
  bench,
  brokenPipe,
  heard,
  listSource,
  numbers,
  rejection,
  sleep,
  streamSource,
  takes,
  taskOf,
} from './fixtures.js';

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

describe('an answer that does not come as it should', () => {
  test('what was recorded and claimed again in the same lost call is not charged twice', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    let calls = 0;
    const handler = async (input: number): Promise<number> => {
      await sleep(b.clock, 10);
      calls += 1;
      if (calls === 1) throw brokenPipe();
      return input;
    };
    const retry = { baseDelay: 0, maxDelay: 0, maxAttempts: 2 };
    const task = await taskOf(b, 1, handler, { retry });
    adapter.plan = ({ method, args }) => {
      const { settle } = (args[1] ?? {}) as { settle?: readonly unknown[] };
      const isFirst = method === 'exchange' && settle?.length === 1;
      if (isFirst) adapter.plan = () => undefined;
      return isFirst ? { error: full(), applied: true } : undefined;
    };
    await rejection(b.run(task.start()));
    const [row] = (await adapter.readJobs(task.id, { limit: 1 })).rows;
    expect(row).toMatchObject({ status: 'pending', attempts: 1 });
    expect(await b.run(task.start())).toMatchObject({ status: 'completed' });
  });

  test('jobs whose claim is answered after the lease has ended are given back, not started', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter, { leaseMs: 2000 });
    const handler = takes<number>(b.clock, 100);
    const task = await taskOf(b, 2, handler);
    adapter.plan = ({ method, nth }) =>
      method === 'exchange' && nth === 1 ? { answer: sleep(b.clock, 3000) } : undefined;
    const lines = heard(task);
    void task.start();
    await b.clock.advance(2500);
    const other = b.another({ leaseMs: 2000 });
    const theirs = await b.run(
      other.resumeTask<number, unknown>(task.id, listSource(numbers(2), { handler })),
    );
    expect(await b.run(theirs?.start() as Promise<unknown>)).toMatchObject({ completed: 2, ran: 2 });
    await b.clock.advance(1000);
    expect(lines.filter((line) => line.startsWith('start'))).toEqual([]);
  });

  test('an exchange that is answered after the source has ended does not end the run without its jobs', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const data = async function* () {
      await sleep(b.clock, 100);
      yield* numbers(4);
    };
    const source = streamSource(data, { handler: takes<number>(b.clock, 10) });
    const task = await b.run(b.hub.createTask({ name: 'task', source }));
    adapter.plan = ({ method, nth }) =>
      method === 'exchange' && nth === 1 ? { answer: sleep(b.clock, 1000) } : undefined;
    expect(await b.run(task.start())).toMatchObject({ status: 'completed', completed: 4, total: 4 });
  });

  test('failed jobs that are put back while the last answer is on its way leave the task paused', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const fails = (): never => {
      throw new Error('bad');
    };
    const task = await taskOf(b, 1, fails);
    adapter.plan = ({ method, nth }) =>
      method === 'exchange' && nth === 2 ? { answer: sleep(b.clock, 1000) } : undefined;
    const started = task.start();
    await b.clock.advance(500);
    const stopped = task.stop();
    const putBack = task.retryFailed();
    expect(await b.run(started)).toMatchObject({ status: 'paused', completed: 0, failed: 0, total: 1 });
    await b.run(Promise.all([stopped, putBack]));
    expect(await adapter.readTask(task.id)).toMatchObject({ status: 'paused' });
  });

  test('a batch that is answered late does not turn the counts back', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const handler = takes<number>(b.clock, 10);
    const source = streamSource(() => numbers(4), { handler });
    const task = await b.run(b.hub.createTask({ name: 'task', source, progressInterval: 0 }));
    adapter.plan = ({ method }) => (method === 'insertJobs' ? { answer: sleep(b.clock, 1000) } : undefined);
    const completed: number[] = [];
    task.on('progress', (progress) => completed.push(progress.completed));
    await b.run(task.start());
    expect(completed).toEqual([...completed].sort((x, y) => x - y));
  });
});
