import { describe, expect, test } from 'vitest';
import type { Hub } from '../src/hub.js';
import type { Task } from '../src/task.js';
import type { TaskStatus } from '../src/types.js';
import {
  type Bench,
  bench,
  heard,
  listSource,
  numbers,
  rejection,
  statuses,
  takes,
  taskOf,
} from './fixtures.js';

/** A task of 4 jobs, two at a time, of 1 s each, that has come to a status in this process. */
interface Arrangement extends Bench {
  task: Task<number, unknown>;
  /** How often handlers were called. */
  calls: number[];
  lines: string[];
  started: Promise<unknown> | undefined;
}

async function arrange(status: TaskStatus | 'stopped'): Promise<Arrangement> {
  const b = bench();
  const calls: number[] = [];
  const slow = takes<number>(b.clock, 1000);
  const task = await taskOf(
    b,
    4,
    (input, ctx) => {
      calls.push(input);
      if (status === 'failed') throw new Error('bad input');
      return slow(input, ctx);
    },
    { concurrency: { max: 2 } },
  );
  let started: Promise<unknown> | undefined;
  if (status === 'running') {
    started = task.start();
    await b.clock.advance(100);
  } else if (status === 'paused') {
    started = task.start();
    await b.clock.advance(100);
    task.pause();
    await b.clock.advance(5000);
  } else if (status === 'stopped') {
    started = task.start();
    await b.clock.advance(100);
    await b.run(task.stop());
  } else if (status !== 'idle') {
    await b.run(task.start());
  }
  expect(task.status).toBe(status === 'stopped' ? 'paused' : status);
  return { ...b, task, calls, lines: heard(task), started };
}

const storedStatus = async (hub: Hub): Promise<unknown> => (await hub.listTasks())[0]?.status;

describe('start() and resume()', () => {
  for (const command of ['start', 'resume'] as const) {
    test(`${command}: on an idle task runs`, async () => {
      const { task, run } = await arrange('idle');
      expect(await run(task[command]())).toMatchObject({ status: 'completed', completed: 4, ran: 4 });
    });

    test(`${command}: on a running task joins the run in progress`, async () => {
      const { task, run, started, calls } = await arrange('running');
      const joined = run(task[command]());
      expect(await joined).toBe(await started);
      expect(calls).toEqual([0, 1, 2, 3]);
    });

    test(`${command}: on a paused task continues, and both promises give the summary`, async () => {
      const { task, run, started, calls } = await arrange('paused');
      const summary = await run(task[command]());
      expect(summary).toMatchObject({ status: 'completed', completed: 4, ran: 4 });
      expect(await started).toBe(summary);
      expect(calls).toEqual([0, 1, 2, 3]);
    });

    test(`${command}: on a stopped task runs what is left`, async () => {
      const { task, run } = await arrange('stopped');
      expect(await run(task[command]())).toMatchObject({ status: 'completed', completed: 4, ran: 4 });
    });

    test(`${command}: on a completed task resolves at once`, async () => {
      const { task, run, clock, calls } = await arrange('completed');
      const before = clock.monotonic();
      const summary = await run(task[command]());
      expect(summary).toMatchObject({ status: 'completed', total: 4, completed: 4, ran: 0, elapsed: 0 });
      expect([clock.monotonic(), calls.length]).toEqual([before, 4]);
    });

    test(`${command}: on a completed task gives a final progress and completed once`, async () => {
      const { task, run, lines } = await arrange('completed');
      task.on('progress', ({ completed, total }) => lines.push(`progress ${completed}/${total}`));
      await run(task[command]());
      expect(lines).toEqual(['progress 4/4', 'completed']);
    });

    test(`${command}: on a failed task with nothing pending resolves`, async () => {
      const { task, run, calls } = await arrange('failed');
      expect(await run(task[command]())).toMatchObject({ status: 'failed', failed: 4, ran: 0 });
      expect(calls).toHaveLength(4);
    });

    test(`${command}: on a failed task runs what is pending`, async () => {
      const b = bench();
      let bad = true;
      const handler = (input: number): number => {
        if (bad) throw new Error('bad key');
        return input;
      };
      const task = await taskOf(b, 4, handler, { concurrency: { max: 1 }, halt: { failures: 2 } });
      await b.run(task.start());
      expect(await statuses(b, task)).toEqual(['failed', 'failed', 'pending', 'pending']);
      bad = false;
      expect(await b.run(task[command]())).toMatchObject({
        status: 'completed',
        completed: 2,
        failed: 2,
        ran: 2,
      });
    });

    test(`${command}: without a source rejects with SOURCE_MISSING that names resumeTask`, async () => {
      const { another, task, run } = await arrange('idle');
      const bare = await run(another().getTask(task.id));
      const error = await rejection(run(bare?.[command]() as Promise<unknown>));
      expect(error).toMatchObject({ code: 'SOURCE_MISSING', message: expect.stringContaining('resumeTask') });
    });
  }

  test('start: an empty task completes', async () => {
    const b = bench();
    const task = await taskOf(b, 0, () => 1);
    const lines = heard(task);
    expect(await b.run(task.start())).toMatchObject({ status: 'completed', total: 0, ran: 0 });
    expect(lines).toEqual(['completed']);
  });

  test('start: the status is running at once', async () => {
    const { task, run } = await arrange('idle');
    const started = task.start();
    expect(task.status).toBe('running');
    await run(started);
  });

  test('start: while the task is being stopped runs it again after that', async () => {
    const { task, run, started } = await arrange('running');
    const stopped = task.stop();
    const again = task.start();
    await run(stopped);
    expect(await started).toMatchObject({ status: 'paused', completed: 0 });
    expect(await run(again)).toMatchObject({ status: 'completed', completed: 4 });
  });

  test('start: a stop() after it has the last word, also when it waits for an earlier stop', async () => {
    const { task, run, calls, clock } = await arrange('running');
    void task.stop();
    const again = task.start();
    await run(task.stop());
    expect(await run(again)).toMatchObject({ status: 'paused' });
    await clock.advance(10_000);
    expect([task.status, calls.length]).toEqual(['paused', 2]);
  });

  test('start: a pause() after it has the last word, also when it waits for a stop', async () => {
    const { task, run, calls, clock } = await arrange('running');
    void task.stop();
    const again = task.start();
    task.pause();
    expect(await run(again)).toMatchObject({ status: 'paused' });
    await clock.advance(10_000);
    expect([task.status, calls.length]).toEqual(['paused', 2]);
  });

  test('start: from a listener of the first progress joins the run', async () => {
    const { task, run, calls } = await arrange('idle');
    const joined: Promise<unknown>[] = [];
    task.once('progress', () => void joined.push(task.start()));
    const summary = await run(task.start());
    expect(await joined[0]).toBe(summary);
    expect(calls).toEqual([0, 1, 2, 3]);
  });

  test('start: from a listener of completed gives the finished result', async () => {
    const { task, run } = await arrange('idle');
    let again: Promise<unknown> | undefined;
    task.once('completed', () => {
      again = task.start();
    });
    await run(task.start());
    expect(await run(again as Promise<unknown>)).toMatchObject({ status: 'completed', ran: 0 });
  });
});

describe('pause()', () => {
  for (const status of ['idle', 'stopped', 'paused', 'completed', 'failed'] as const) {
    test(`pause: on a task that is ${status} does nothing`, async () => {
      const { task, clock, hub, lines } = await arrange(status);
      const before = [task.status, await storedStatus(hub)];
      expect(task.pause()).toBeUndefined();
      await clock.advance(1000);
      expect([task.status, await storedStatus(hub)]).toEqual(before);
      expect(lines).toEqual([]);
    });
  }

  test('pause: active jobs finish, no new ones start', async () => {
    const { task, clock, calls } = await arrange('running');
    task.pause();
    await clock.advance(60_000);
    expect(calls).toEqual([0, 1]);
    expect([task.completedJobs, task.failedJobs]).toEqual([2, 0]);
  });

  test('pause: is a synchronous call, the status is paused at once', async () => {
    const { task } = await arrange('running');
    expect(task.pause()).toBeUndefined();
    expect(task.status).toBe('paused');
  });

  test('pause: is stored', async () => {
    const { task, clock, hub } = await arrange('running');
    task.pause();
    await clock.advance(0);
    expect(await storedStatus(hub)).toBe('paused');
  });

  test('pause: right after start() holds', async () => {
    const { task, clock, calls, hub } = await arrange('idle');
    void task.start();
    task.pause();
    await clock.advance(60_000);
    expect([task.status, await storedStatus(hub), calls]).toEqual(['paused', 'paused', []]);
  });

  test('pause: and resume in one breath leave it running', async () => {
    const { task, run, hub } = await arrange('running');
    task.pause();
    const resumed = task.resume();
    task.pause();
    void task.resume();
    expect(await run(resumed)).toMatchObject({ status: 'completed', completed: 4 });
    expect(await storedStatus(hub)).toBe('completed');
  });

  test('pause: from a job:start listener lets that job run and no other', async () => {
    const { task, clock, calls } = await arrange('idle');
    task.once('job:start', () => task.pause());
    void task.start();
    await clock.advance(60_000);
    expect(calls).toEqual([0]);
  });

  test('pause: when the running jobs were the last ones the task completes', async () => {
    const { task, clock, run, started } = await arrange('running');
    await clock.advance(1000);
    task.pause();
    expect(await run(started as Promise<unknown>)).toMatchObject({ status: 'completed', completed: 4 });
  });

  test('pause: a retry that falls due meanwhile waits for the resume', async () => {
    const b = bench();
    let calls = 0;
    const task = await taskOf(b, 1, () => {
      calls += 1;
      if (calls === 1) throw Object.assign(new Error(), { code: 'EPIPE' });
      return 1;
    });
    void task.start();
    await b.clock.advance(100);
    task.pause();
    await b.clock.advance(60_000);
    expect(calls).toBe(1);
    await b.run(task.resume());
    expect(calls).toBe(2);
  });
});

describe('stop()', () => {
  for (const status of ['idle', 'completed', 'failed'] as const) {
    test(`stop: on a task that is ${status} does nothing`, async () => {
      const { task, run, hub, lines } = await arrange(status);
      const before = [task.status, await storedStatus(hub)];
      await run(task.stop());
      expect([task.status, await storedStatus(hub)]).toEqual(before);
      expect(lines).toEqual([]);
    });
  }

  test('stop: aborts the active jobs and leaves the task paused', async () => {
    const { task, run, hub, clock, started } = await arrange('running');
    const before = clock.monotonic();
    await run(task.stop());
    expect([task.status, await storedStatus(hub), clock.monotonic()]).toEqual(['paused', 'paused', before]);
    expect(await started).toMatchObject({ status: 'paused', completed: 0, ran: 0 });
  });

  test('stop: a paused task stays paused and its pending start() settles', async () => {
    const { task, run, started } = await arrange('paused');
    await run(task.stop());
    expect(task.status).toBe('paused');
    expect(await started).toMatchObject({ status: 'paused', completed: 2, ran: 2 });
  });

  test('stop: right after start() ends the run before a job begins', async () => {
    const { task, run, calls } = await arrange('idle');
    const started = task.start();
    await run(task.stop());
    expect(await started).toMatchObject({ status: 'paused', completed: 0 });
    expect(calls).toEqual([]);
  });

  test('stop: of a task that does not run does not wait for a run that is started in the same breath', async () => {
    const { task, run, clock } = await arrange('stopped');
    const stopped = task.stop();
    const started = task.start();
    await run(stopped);
    expect(clock.monotonic()).toBe(100);
    expect(await run(started)).toMatchObject({ status: 'completed' });
  });

  test('stop: twice at once resolves twice', async () => {
    const { task, run } = await arrange('running');
    await run(Promise.all([task.stop(), task.stop()]));
    expect(task.status).toBe('paused');
  });

  test('stop: waits for handlers at most stopGrace, by default 5 s', async () => {
    const b = bench();
    const task = await taskOf(b, 2, () => new Promise(() => {}), { timeout: 0 });
    void task.start();
    await b.clock.advance(100);
    await b.run(task.stop());
    expect(b.clock.monotonic()).toBe(5100);
    expect(await statuses(b, task)).toEqual(['pending', 'pending']);
  });

  test('stop: with stopGrace 0 waits for nothing but lets handlers that obey end', async () => {
    const b = bench();
    const slow = takes<number>(b.clock, 1000);
    const task = await taskOf(b, 2, slow, { stopGrace: 0 });
    void task.start();
    await b.clock.advance(100);
    await b.run(task.stop());
    expect([b.clock.monotonic(), task.status]).toEqual([100, 'paused']);
  });

  test('stop: from a handler ends when that handler has', async () => {
    const b = bench();
    const task = await taskOf(
      b,
      3,
      async (input) => {
        void task.stop();
        await Promise.resolve();
        return input;
      },
      { concurrency: { max: 1 } },
    );
    expect(await b.run(task.start())).toMatchObject({ status: 'paused', completed: 1 });
  });

  test('stop: awaited inside a handler ends after stopGrace', async () => {
    const b = bench();
    const task = await taskOf(b, 1, async () => task.stop(), { stopGrace: 700 });
    expect(await b.run(task.start())).toMatchObject({ status: 'paused', completed: 0 });
    expect(b.clock.monotonic()).toBe(700);
  });

  test('stop: await using stops the task', async () => {
    const { task, run } = await arrange('running');
    await run(task[Symbol.asyncDispose]());
    expect(task.status).toBe('paused');
  });
});

describe('destroy() and deleteTask()', () => {
  for (const status of ['idle', 'running', 'paused', 'stopped', 'completed', 'failed'] as const) {
    for (const way of ['destroy', 'deleteTask'] as const) {
      test(`${way}: a task that is ${status} is gone with its rows`, async () => {
        const { task, run, hub, adapter } = await arrange(status);
        await run<unknown>(way === 'destroy' ? task.destroy() : hub.deleteTask(task.id));
        expect(await run(hub.getTask(task.id))).toBeNull();
        expect(await adapter.readTask(task.id)).toBeNull();
        expect(await run(hub.listTasks())).toEqual([]);
      });
    }
  }

  for (const status of ['running', 'paused'] as const) {
    test(`destroy: an unsettled start() of a ${status} task rejects with TASK_DELETED`, async () => {
      const { task, run, started } = await arrange(status);
      const error = rejection(started as Promise<unknown>);
      await run(task.destroy());
      expect(await error).toMatchObject({ code: 'TASK_DELETED' });
    });
  }

  test('destroy: aborts the running jobs, and none is announced', async () => {
    const { task, run, lines } = await arrange('running');
    await run(task.destroy());
    expect(lines).toEqual([]);
  });

  test('destroy: waits for deaf handlers at most stopGrace', async () => {
    const b = bench();
    const task = await taskOf(b, 2, () => new Promise(() => {}), { timeout: 0, stopGrace: 300 });
    void task.start();
    await b.clock.advance(100);
    await b.run(task.destroy());
    expect(b.clock.monotonic()).toBe(400);
  });

  test('destroy: removes the listeners', async () => {
    const { task, run, lines } = await arrange('idle');
    await run(task.destroy());
    await rejection(run(task.start()));
    expect(lines).toEqual([]);
  });

  test('destroy: commands that need the task reject with TASK_DELETED afterwards', async () => {
    const { task, run } = await arrange('completed');
    await run(task.destroy());
    for (const command of ['start', 'getResults', 'getProgress', 'retryFailed'] as const) {
      expect(await rejection(run<unknown>(task[command]()))).toMatchObject({ code: 'TASK_DELETED' });
    }
  });

  test('destroy: again, and stop and pause after it, do nothing', async () => {
    const { task, run } = await arrange('running');
    await run(task.destroy());
    await run(task.destroy());
    await run(task.stop());
    task.pause();
  });

  test('destroy: the same data can be created anew, and the old object does not touch it', async () => {
    const { task, run, hub } = await arrange('completed');
    await run(task.destroy());
    const source = listSource(numbers(4));
    const again = await run(hub.createTask({ name: 'task', source }));
    await run(task.destroy());
    expect([again.id, again.created]).toEqual([task.id, true]);
    expect(await run(again.start())).toMatchObject({ completed: 4, ran: 4 });
  });

  test('destroy: a start() that waits for it rejects with TASK_DELETED', async () => {
    const { task, run } = await arrange('running');
    const destroyed = task.destroy();
    const again = rejection(task.start());
    await run(destroyed);
    expect(await again).toMatchObject({ code: 'TASK_DELETED' });
  });

  test('deleteTask: gives whether there was one', async () => {
    const { hub, task, run } = await arrange('idle');
    expect(await run(hub.deleteTask(task.id))).toBe(true);
    expect(await run(hub.deleteTask(task.id))).toBe(false);
  });
});

describe('live objects', () => {
  test('getTask, createTask and resumeTask give the live object', async () => {
    const { task, hub, run } = await arrange('running');
    const source = listSource(numbers(4));
    expect(await run(hub.getTask(task.id))).toBe(task);
    expect(await run(hub.createTask({ name: 'task', source }))).toBe(task);
    expect(await run(hub.resumeTask(task.id, source))).toBe(task);
    expect(task.status).toBe('running');
  });

  test('getTask twice at once gives one object', async () => {
    const { task, run, another } = await arrange('idle');
    const hub = another();
    const [a, b] = await run(Promise.all([hub.getTask(task.id), hub.getTask(task.id)]));
    expect(a).toBe(b);
  });
});
