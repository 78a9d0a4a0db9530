// behaviour.md, sections 3 and 4: what close() leaves, and what every call says afterwards.
import { describe, expect, test } from 'vitest';
import { Hub } from '../src/hub.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import type { Task } from '../src/task.js';
import { FaultyAdapter, type StorageMethod } from '../src/testing/faulty-adapter.js';
import { VirtualClock } from '../src/testing/virtual-clock.js';
import { bench, Feed, listSource, numbers, portsOf, rejection, sleep, takes } from './fixtures.js';

const HUB_CALLS: [string, (hub: Hub, id: string) => Promise<unknown>][] = [
  ['initialize', (hub) => hub.initialize()],
  ['createTask', (hub) => hub.createTask({ name: 'n', source: listSource([1]) })],
  ['getTask', (hub, id) => hub.getTask(id)],
  ['resumeTask', (hub, id) => hub.resumeTask(id, listSource([1]))],
  ['listTasks', (hub) => hub.listTasks()],
  ['findTaskByMerkleRoot', (hub) => hub.findTaskByMerkleRoot('0'.repeat(64))],
  ['deleteTask', (hub, id) => hub.deleteTask(id)],
  ['resetFailedJobs', (hub, id) => hub.resetFailedJobs(id)],
  ['diff', (hub, id) => hub.diff(id, id)],
  ['compare', (hub, id) => hub.compare(id, id)],
  ['exportDatabase', (hub) => hub.exportDatabase()],
];

const TASK_CALLS: [string, (task: Task) => Promise<unknown>][] = [
  ['start', (task) => task.start()],
  ['resume', (task) => task.resume()],
  ['destroy', (task) => task.destroy()],
  ['retryFailed', (task) => task.retryFailed()],
  ['getProgress', (task) => task.getProgress()],
  ['getResults', (task) => task.getResults()],
  ['results', (task) => task.results().next()],
];

describe('after close()', () => {
  test.each(HUB_CALLS)('hub.%s rejects with HUB_CLOSED', async (_, call) => {
    const { hub, run } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    await run(hub.close());
    expect(await rejection(call(hub, id))).toMatchObject({ code: 'HUB_CLOSED' });
  });

  test.each(HUB_CALLS)(
    'hub.%s rejects with HUB_CLOSED, also when the hub was never opened',
    async (_, call) => {
      const { hub, run } = bench();
      await run(hub.close());
      expect(await rejection(call(hub, 'x'))).toMatchObject({ code: 'HUB_CLOSED' });
    },
  );

  test.each(TASK_CALLS)('task.%s rejects with HUB_CLOSED', async (_, call) => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    await run(hub.close());
    expect(await rejection(call(task as Task))).toMatchObject({ code: 'HUB_CLOSED' });
  });

  test('pause, stop, the getters and the listeners of a task still answer', async () => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    await run(task.start());
    await run(hub.close());
    task.pause();
    await task.stop();
    task.on('progress', () => {})();
    expect([task.status, task.completedJobs, hub.storage.name]).toEqual(['completed', 1, 'memory']);
  });

  test('a diff that is being read ends with HUB_CLOSED', async () => {
    const { hub, run } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    const { added } = await hub.diff(id, id);
    await run(hub.close());
    expect(await rejection(added.next())).toMatchObject({ code: 'HUB_CLOSED' });
  });

  test('calls that were under way end, whatever they say', async () => {
    const { hub, run, clock } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    const calls = HUB_CALLS.map(([, call]) => call(hub, id).catch((error: unknown) => error));
    await run(hub.close());
    for (const answer of await run(Promise.all(calls))) {
      if (answer instanceof Error)
        expect(answer).toMatchObject({ code: /HUB_CLOSED|STORAGE_UNAVAILABLE|TASK_NOT_FOUND/ as never });
    }
    expect(clock.pending).toBe(0);
  });
});

/** A store of which one method takes a second. */
function slow(clock: VirtualClock, slowly: StorageMethod): FaultyAdapter {
  return new FaultyAdapter(new MemoryAdapter(), ({ method }) =>
    method === slowly ? { until: sleep(clock, 1000) } : undefined,
  );
}

describe('close()', () => {
  test('is idempotent, and its calls are one', async () => {
    const store = new FaultyAdapter(new MemoryAdapter());
    const { hub, run } = bench(store);
    await hub.initialize();
    await run(Promise.all([hub.close(), hub.close()]));
    await hub.close();
    expect(store.calls('close')).toBe(1);
  });

  test('stops tasks as stop() does, and settles their promises', async () => {
    const { hub, run, clock, another } = bench();
    const source = listSource(numbers(10), { handler: takes(clock, 1000) });
    const task = await run(hub.createTask({ name: 'n', source }));
    const over = task.start();
    await clock.advance(1500);
    await run(hub.close());
    expect(await over).toMatchObject({ status: 'paused', completed: 5 });
    expect([task.status, clock.pending]).toEqual(['paused', 0]);
    const [meta] = await another().listTasks();
    expect(meta).toMatchObject({ status: 'paused', completedJobs: 5, failedJobs: 0 });
  });

  test('while the store opens: ends both', async () => {
    const clock = new VirtualClock();
    const hub = new Hub(slow(clock, 'open'), { ports: portsOf(clock) });
    const listing = rejection(hub.listTasks());
    await clock.run(hub.close());
    expect(await listing).toMatchObject({ code: 'HUB_CLOSED' });
  });

  test('waits until what a creation left half done is taken back', async () => {
    const clock = new VirtualClock();
    const adapter = slow(clock, 'deleteTask');
    const hub = new Hub(adapter, { ports: portsOf(clock) });
    const creating = rejection(hub.createTask({ name: 'n', source: listSource(new Feed('a')) }));
    await clock.advance(10);
    await clock.run(hub.close());
    expect(await creating).toMatchObject({ code: 'HUB_CLOSED' });
    expect((await adapter.listTasks({ status: 'ingesting', limit: 9 })).rows).toEqual([]);
  });

  test('leaves another hub over the same store in use', async () => {
    const { hub, run, another } = bench();
    const other = another();
    const task = await run(other.createTask({ name: 'n', source: listSource([1]) }));
    await hub.initialize();
    await run(hub.close());
    expect(await run(task.start())).toMatchObject({ completed: 1 });
  });

  test('await using: closes the hub, and stops a task', async () => {
    const { hub, run, clock } = bench();
    const task = await run(
      hub.createTask({ name: 'n', source: listSource([1], { handler: takes(clock, 1e6) }) }),
    );
    const over = task.start();
    await clock.advance(10);
    const scope = async (): Promise<void> => {
      await using _hub = hub;
      await using _task = task;
    };
    await run(scope());
    expect((await over).status).toBe('paused');
    expect(await rejection(hub.listTasks())).toMatchObject({ code: 'HUB_CLOSED' });
  });
});

describe('close({ grace })', () => {
  const started = async (ms: number, another?: 'shared') => {
    const b = bench();
    const options = () => ({
      name: 'n',
      source: listSource(numbers(10), { handler: takes(b.clock, ms) }),
      concurrency: { initial: 2, max: 2 },
    });
    const task = await b.run(b.hub.createTask(options()));
    const other = another && (await b.run(b.another().createTask(options())));
    const over = task.start();
    const otherOver = other?.start();
    await b.clock.advance(10);
    return { ...b, task, over, otherOver };
  };

  test('starts nothing more, and lets running handlers end', async () => {
    const { hub, run, over, another, task } = await started(500);
    await run(hub.close({ grace: 1000 }));
    expect(await over).toMatchObject({ status: 'paused', completed: 2, failed: 0 });
    expect((await run(another().listTasks()))[0]).toMatchObject({ id: task.id, status: 'paused' });
  });

  test('tells handlers to stop that have not ended in time, and gives their jobs back', async () => {
    const { hub, run, over, clock, another, task } = await started(60_000);
    const before = clock.now();
    await run(hub.close({ grace: 1000 }));
    expect(clock.now() - before).toBeLessThan(1100);
    expect(await over).toMatchObject({ status: 'paused', completed: 0, failed: 0 });
    const rows = await run((await another().getTask(task.id))?.getResults() ?? Promise.resolve([]));
    expect(rows.map(({ status, attempts }) => [status, attempts])).toEqual(
      numbers(10).map(() => ['pending', 0]),
    );
  });

  test('a second close() shortens it', async () => {
    const { hub, run, over, clock } = await started(60_000);
    const before = clock.now();
    const closing = hub.close({ grace: 50_000 });
    await clock.advance(100);
    void hub.close();
    await run(closing);
    expect(clock.now() - before).toBeLessThan(200);
    expect(await over).toMatchObject({ status: 'paused', completed: 0 });
  });

  test('a process that shares the task goes on with it', async () => {
    const { hub, run, over, otherOver } = await started(500, 'shared');
    await run(hub.close({ grace: 1000 }));
    expect((await over).status).toBe('paused');
    expect(await run(otherOver ?? over)).toMatchObject({ status: 'completed', completed: 10 });
  });

  test('a grace that is no number of ms is INVALID_CONFIG', async () => {
    const { hub } = bench();
    expect(await rejection(hub.close({ grace: -1 }))).toMatchObject({ code: 'INVALID_CONFIG' });
  });
});
