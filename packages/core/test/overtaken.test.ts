// Answers of a slow store that overtake each other: what is older never takes the place of what is newer.
import { describe, expect, test } from 'vitest';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import type { Task } from '../src/task.js';
import { FaultyAdapter } from '../src/testing/faulty-adapter.js';
import type { TaskProgress } from '../src/types.js';
import { type Bench, bench, listSource, numbers, sleep, taskOf } from './fixtures.js';

/** Everything that a task tells of its progress, without repeats. */
function told(task: Task<number, unknown>, what: (progress: TaskProgress) => number): number[] {
  const values: number[] = [];
  task.on('progress', (progress) => {
    if (values.at(-1) !== what(progress)) values.push(what(progress));
  });
  return values;
}

describe('a slow answer to a reading of the task', () => {
  const READERS = {
    createTask: ({ hub }: Bench) => hub.createTask({ name: 'task', source: listSource(numbers(3)) }),
    getTask: ({ hub }: Bench, task: Task<number, unknown>) => hub.getTask(task.id),
    getProgress: (_: Bench, task: Task<number, unknown>) => task.getProgress(),
  };
  for (const [name, read] of Object.entries(READERS)) {
    test(`${name}() that is answered when a run has ended leaves what the run has brought`, async () => {
      const adapter = new FaultyAdapter(new MemoryAdapter());
      const b = bench(adapter);
      const task = await taskOf(b, 3, (input) => input);
      const before = adapter.calls('readTask');
      const last = before + (name === 'getProgress' ? 1 : 2); // the others find it first
      adapter.plan = ({ method, nth }) =>
        method === 'readTask' && nth === last ? { answer: sleep(b.clock, 1000) } : undefined;
      const reading: Promise<unknown> = read(b, task);
      await b.clock.advance(10);
      expect(adapter.calls('readTask')).toBe(last);
      await b.run(task.start());
      await b.run(reading);
      expect([task.status, task.completedJobs]).toEqual(['completed', 3]);
    });
  }

  test('that is the first of two in a hub leaves what the object of the second knows', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const source = listSource(numbers(3));
    await b.run(b.another().createTask({ name: 'task', source }));
    let slow = 9;
    adapter.plan = ({ method }) =>
      method === 'readTask' && slow-- > 0 ? { answer: sleep(b.clock, 1000) } : undefined;
    const first = b.hub.createTask({ name: 'task', source });
    await b.clock.advance(1500); // its second reading has begun
    slow = 0;
    const task = await b.run(b.hub.createTask({ name: 'task', source }));
    await b.run(task.start());
    expect(await b.run(first)).toBe(task);
    expect([task.status, task.completedJobs]).toEqual(['completed', 3]);
  });
});

describe('retryFailed() of a slow store', () => {
  /** Four jobs, one after the other, 1 s each, of which the first fails once. */
  async function oneFailed() {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    let calls = 0;
    const config = { concurrency: { max: 1 }, progressInterval: 0 };
    const handler = async (input: number): Promise<number> => {
      calls += 1;
      const isFirst = calls === 1;
      await sleep(b.clock, 1000);
      if (isFirst) throw new Error('bad');
      return input;
    };
    const task = await taskOf(b, 4, handler, config);
    return { ...b, b, adapter, task, completed: told(task, (progress) => progress.completed) };
  }

  test('answered when later jobs are recorded, it does not turn progress back, and the run goes on', async () => {
    const { adapter, task, clock, run, completed } = await oneFailed();
    adapter.plan = ({ method }) => (method === 'resetFailed' ? { answer: sleep(clock, 1700) } : undefined);
    const started = task.start();
    await clock.advance(1500);
    const reset = task.retryFailed();
    expect(await run(started)).toMatchObject({ status: 'completed', completed: 4, failed: 0, ran: 5 });
    expect(await run(reset)).toBe(1);
    expect(completed).toEqual([0, 1, 2, 3, 4]);
  });

  test('answered while an exchange of before is on its way, it is not forgotten: the run goes on', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    let calls = 0;
    const task = await taskOf(b, 1, () => {
      calls += 1;
      if (calls === 1) throw new Error('bad');
      return 1;
    });
    // The exchange that records the failure is answered late: by then the job is pending again.
    adapter.plan = ({ method, nth }) =>
      method === 'exchange' && nth === 2 ? { answer: sleep(b.clock, 1000) } : undefined;
    const started = task.start();
    await b.clock.advance(500);
    expect(await b.run(task.retryFailed())).toBe(1);
    expect(await b.run(started)).toMatchObject({ status: 'completed', completed: 1, failed: 0, ran: 2 });
  });

  test('answered when its run has broken and the next one goes on, it does not turn progress back', async () => {
    const { adapter, task, clock, run, completed } = await oneFailed();
    adapter.plan = ({ method, nth }) => {
      if (method === 'exchange' && nth === 2) return { error: new Error('disk I/O error') };
      return method === 'resetFailed' ? { answer: sleep(clock, 3000) } : undefined;
    };
    let reset: Promise<number> | undefined;
    task.on('job:failed', () => {
      reset ??= task.retryFailed();
    });
    await expect(run(task.start())).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(await run(task.start())).toMatchObject({ status: 'completed', completed: 4 });
    expect(await run(reset as unknown as Promise<number>)).toBe(1);
    expect(completed).toEqual([0, 1, 2, 3, 4]);
  });

  for (const who of ['this', 'another'] as const) {
    test(`by ${who} hub while the end of the run is written: the summary says paused, and so does the store`, async () => {
      const { b, adapter, task, clock, run } = await oneFailed();
      const other = who === 'this' ? task : await run(b.another().getTask(task.id));
      adapter.plan = ({ method, args }) =>
        method === 'transitionTask' && JSON.stringify(args).includes('"status":"completed"')
          ? { until: sleep(clock, 1000) }
          : undefined;
      const started = task.start();
      await clock.advance(4500);
      const reset = other?.retryFailed();
      expect(await run(started)).toMatchObject({ status: 'paused', completed: 3, failed: 0, total: 4 });
      expect(await run(reset as Promise<number>)).toBe(1);
      expect([task.status, (await adapter.readTask(task.id))?.status]).toEqual(['paused', 'paused']);
      expect(await run(task.start())).toMatchObject({ status: 'completed', completed: 4 });
    });
  }
});

test('a run whose first reading is answered after retryFailed() begins with what that has brought', async () => {
  const adapter = new FaultyAdapter(new MemoryAdapter());
  const b = bench(adapter);
  let isBad = true;
  const task = await taskOf(b, 2, (input) => {
    if (isBad && input === 1) throw new Error('bad');
    return input;
  });
  await b.run(task.start());
  isBad = false;
  const failed = told(task, (progress) => progress.failed);
  const first = adapter.calls('readTask') + 1;
  adapter.plan = ({ method, nth }) =>
    method === 'readTask' && nth === first ? { answer: sleep(b.clock, 1000) } : undefined;
  const started = task.start();
  await b.clock.advance(500);
  expect(await b.run(task.retryFailed())).toBe(1);
  expect(await b.run(started)).toMatchObject({ status: 'completed', completed: 2, failed: 0, ran: 1 });
  expect(failed).toEqual([0]);
});

describe('destroy() of a slow store', () => {
  async function destroying() {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const task = await taskOf(b, 3, (input) => input);
    adapter.plan = ({ method }) => (method === 'deleteTask' ? { answer: sleep(b.clock, 1000) } : undefined);
    const destroyed = task.destroy();
    return {
      b,
      adapter,
      task,
      destroyed,
      again: () => b.hub.createTask({ name: 'task', source: listSource(numbers(3)) }),
    };
  }

  test('createTask() before its answer gives another object, and one for all', async () => {
    const { b, task, destroyed, again } = await destroying();
    const [early, other] = [again(), again()];
    await b.run(destroyed);
    const made = await b.run(early);
    expect(made).not.toBe(task);
    expect(await b.run(other)).toBe(made);
    expect(await b.run(again())).toBe(made);
    expect(await b.run(made.start())).toMatchObject({ status: 'completed', completed: 3, ran: 3 });
  });

  test('start() before its answer rejects with TASK_DELETED', async () => {
    const { b, task, destroyed } = await destroying();
    await expect(b.run(task.start())).rejects.toMatchObject({ code: 'TASK_DELETED' });
    await b.run(destroyed);
  });

  test('that fails leaves the task as it was, stopped', async () => {
    const { b, adapter, task, destroyed, again } = await destroying();
    await b.run(destroyed);
    const made = await b.run(again());
    adapter.plan = ({ method }) =>
      method === 'deleteTask' ? { error: new Error('disk I/O error') } : undefined;
    const started = made.start();
    await expect(b.run(made.destroy())).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await expect(b.run(started)).rejects.toMatchObject({ code: 'TASK_DELETED' });
    expect(await b.run(again())).toBe(made);
    expect(await b.run(made.start())).toMatchObject({ status: 'completed', completed: 3 });
    expect(made).not.toBe(task);
  });
});
