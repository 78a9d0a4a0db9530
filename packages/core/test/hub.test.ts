// behaviour.md, sections 1, 2 and 4: the methods of a hub that are not about running.
import { describe, expect, test } from 'vitest';
import { Hub } from '../src/hub.js';
import { generateJobId } from '../src/identity.js';
import { computeMerkleRoot } from '../src/merkle.js';
import { defineTask, TaskSource } from '../src/source.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import type { Task } from '../src/task.js';
import { FaultyAdapter } from '../src/testing/faulty-adapter.js';
import { bench, Feed, listSource, numbers, rejection, streamSource, takes } from './fixtures.js';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const odd = (input: number): number => {
  if (input % 2 === 1) throw new Error('odd');
  return input;
};

describe('opening', () => {
  test('initialize: is idempotent and implied by the first use', async () => {
    const store = new FaultyAdapter(new MemoryAdapter());
    const { hub } = bench(store);
    await Promise.all([hub.listTasks(), hub.initialize(), hub.getTask('x')]);
    await hub.initialize();
    expect(store.calls('open')).toBe(1);
  });

  test('initialize: a store that cannot be opened rejects, and the next use tries again', async () => {
    const store = new FaultyAdapter(new MemoryAdapter(), () => ({ error: new Error('locked') }));
    const { hub } = bench(store);
    expect(await rejection(hub.initialize())).toMatchObject({ code: 'STORAGE_FAILED' });
    store.plan = () => undefined;
    expect(await hub.listTasks()).toEqual([]);
  });

  test('storage: tells name, persistence and reason', () => {
    expect(new Hub(new MemoryAdapter()).storage).toEqual({
      name: 'memory',
      persistent: false,
      reason: expect.any(String),
    });
  });

  test('exportDatabase: a store that is no SQLite database says so', async () => {
    expect(await rejection(bench().hub.exportDatabase())).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  });
});

describe('one live task per id', () => {
  test('createTask, getTask and resumeTask on a live id return that same object', async () => {
    const { hub, run } = bench();
    const source = listSource([1]);
    const task = await run(hub.createTask({ name: 'n', source }));
    expect(await hub.getTask(task.id)).toBe(task);
    expect(await hub.resumeTask(task.id, source)).toBe(task);
    expect(await run(hub.createTask({ name: 'n', source }))).toBe(task);
  });

  test('getTask: many at once are one object', async () => {
    const { hub, run, another } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    const other = another();
    const tasks = await Promise.all([
      other.getTask(id),
      other.getTask(id),
      other.resumeTask(id, listSource([1])),
    ]);
    expect(new Set(tasks).size).toBe(1);
  });

  test('two hubs: have an object each, and what one finishes the other sees when it asks', async () => {
    const { hub, run, another } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource([1, 2]) }));
    const other = another();
    const view = (await other.getTask(task.id)) as Task;
    expect(view).not.toBe(task);
    await run(task.start());
    expect(await other.getTask(task.id)).toBe(view);
    expect([view.status, view.completedJobs]).toEqual(['completed', 2]);
  });

  test('getTask and resumeTask: null when there is none', async () => {
    const { hub } = bench();
    expect([await hub.getTask('x'), await hub.resumeTask('x', listSource([1]))]).toEqual([null, null]);
  });

  test('getters: are right immediately after create, get and resume', async () => {
    const { hub, run, clock, another } = bench();
    const created = await run(
      hub.createTask({ name: 'n', source: listSource([0, 1, 2, 2], { handler: odd }) }),
    );
    const look = (task: Task<number, unknown> | null) =>
      task && [
        task.name,
        task.type,
        task.status,
        task.totalJobs,
        task.completedJobs,
        task.failedJobs,
        task.duplicateInputs,
      ];
    expect(look(created)).toEqual(['n', 'deterministic', 'idle', 3, 0, 0, 1]);
    await run(created.start());
    const expected = ['n', 'deterministic', 'completed', 3, 2, 1, 1];
    expect(look(created)).toEqual(expected);
    await clock.advance(1);
    expect(look(await another().getTask<number>(created.id))).toEqual(expected);
    const resumed = await another().resumeTask(created.id, listSource([0, 1, 2]));
    expect(look(resumed)).toEqual(expected);
    expect(resumed?.merkleRoot).toBe(created.merkleRoot);
  });

  test('start: without a source is SOURCE_MISSING and names resumeTask', async () => {
    const { hub, run, another } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    const task = await another().getTask(id);
    const error = await rejection(task?.start() ?? Promise.reject(0));
    expect(error).toMatchObject({ code: 'SOURCE_MISSING', message: expect.stringContaining('resumeTask') });
  });

  test('resumeTask: a source of the other type is SOURCE_MISMATCH', async () => {
    const { hub, run } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    expect(
      await rejection(
        hub.resumeTask(
          id,
          streamSource(() => [1]),
        ),
      ),
    ).toMatchObject({ code: 'SOURCE_MISMATCH' });
  });

  test.each([undefined, null, 5, {}])(
    'resumeTask: %j instead of a source is INVALID_CONFIG',
    async (source) => {
      const { hub, run } = bench();
      const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
      expect(await rejection(hub.resumeTask(id, source as never))).toMatchObject({ code: 'INVALID_CONFIG' });
    },
  );

  test('resumeTask: a source of a class may have a name and fields of its own', async () => {
    const { hub, run, another } = bench();
    class Named extends TaskSource<string, string> {
      readonly type = 'deterministic';
      readonly name = 'lookup';
      readonly apiKey = 'secret';
      getData(): string[] {
        return ['a'];
      }
      handler(input: string): string {
        return input + this.apiKey;
      }
    }
    const { id } = await run(hub.createTask({ name: 'n', source: new Named() }));
    const task = await another().resumeTask(id, new Named());
    expect(await run(task?.start() ?? Promise.reject(0))).toMatchObject({ completed: 1 });
  });

  test('setSource, setSourceForResume: the old names give a task its source', async () => {
    const { hub, run, another } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1, 2]) }));
    const task = (await another().getTask<number, unknown>(id)) as Task<number, unknown>;
    task.setSource(listSource([1, 2], { handler: odd }));
    task.setSourceForResume(listSource([1, 2]));
    expect(await run(task.start())).toMatchObject({ completed: 2 });
  });

  test('setSource: what is no source is refused at once, and no job is harmed', async () => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    expect(() => task.setSource({} as never)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
    expect(await run(task.start())).toMatchObject({ completed: 1 });
  });
});

describe('defineTask', () => {
  test('createTask: takes a whole definition', async () => {
    const { hub, run } = bench();
    const lengths = defineTask({
      name: 'lengths',
      getData: () => ['a', 'bb'],
      handler: (input) => input.length,
    });
    const task = await run(hub.createTask(lengths));
    await run(task.start());
    expect([task.name, (await task.getResults()).map((job) => job.output)]).toEqual(['lengths', [1, 2]]);
  });

  test('inputs: take the place of getData', async () => {
    const { hub, run } = bench();
    const lengths = defineTask({ name: 'lengths', handler: (input: string) => input.length });
    const task = await run(hub.createTask(lengths, { inputs: ['abc'].values() }));
    await run(task.start());
    expect((await task.getResults()).map((job) => job.output)).toEqual([3]);
  });

  test('neither getData nor inputs: createTask is INVALID_CONFIG', async () => {
    const { hub, run } = bench();
    const definition = defineTask({ name: 'lengths', handler: (input: string) => input.length });
    expect(await rejection(run(hub.createTask(definition)))).toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('dynamic: is created at once and runs', async () => {
    const { hub, run } = bench();
    const stream = defineTask({ name: 's', type: 'dynamic', id: 'x', handler: (input: number) => -input });
    const task = await hub.createTask(stream, { inputs: new Set([1, 2]) });
    expect(await run(task.start())).toMatchObject({ completed: 2 });
  });

  test('dynamic: without id it is refused', async () => {
    const { hub, run } = bench();
    const definition = { name: 's', type: 'dynamic', getData: () => [1], handler: odd } as never;
    expect(await rejection(run(hub.createTask(definition)))).toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('a definition is the same task as a source with the same name and data', async () => {
    const { hub, run } = bench();
    const a = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    const b = await run(hub.createTask(defineTask({ name: 'n', getData: () => [1], handler: odd })));
    expect(b.id).toBe(a.id);
  });

  test('its functions are called as its methods, its rules and options hold', async () => {
    const { hub, run } = bench();
    const definition = {
      ...defineTask({ name: 'n', getData: () => [1], handler: odd, retry: { maxAttempts: 2, baseDelay: 1 } }),
      prefix: undefined,
    };
    const { prefix: _prefix, ...plain } = definition;
    const task = await run(
      hub.createTask({
        ...plain,
        getJobId(input: number) {
          return `${this.name}-${input}`;
        },
        isRetryable: () => true,
      }),
    );
    await run(task.start());
    const [job] = await task.getResults();
    expect([job?.id, job?.attempts]).toEqual(['n-1', 2]);
  });

  test('its own rules say what is a refusal, and how long to wait', async () => {
    const { hub, run, clock } = bench();
    const times: number[] = [];
    const handler = (): void => {
      times.push(clock.now());
      if (times.length === 1) throw new Error('full');
    };
    const task = await run(
      hub.createTask({
        ...defineTask({ name: 'full', getData: () => [1], handler }),
        isRateLimited(error) {
          return (error as Error).message === this.name;
        },
        retryAfter() {
          return this.name.length * 1000;
        },
      }),
    );
    await run(task.start());
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBe(4000);
    expect((await task.getResults())[0]).toMatchObject({ status: 'completed', throttles: 1 });
  });

  test('resumeTask: takes a definition, with or without its data', async () => {
    const { hub, run, another } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([2]) }));
    const task = await another().resumeTask(id, defineTask({ name: 'n', handler: odd }));
    expect(await run(task?.resume() ?? Promise.reject(0))).toMatchObject({ completed: 1 });
  });
});

describe('listTasks', () => {
  test('gives an array of TaskMeta', async () => {
    const { hub, run, clock } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource([0, 1], { handler: odd }) }));
    const createdAt = clock.now();
    await clock.advance(1000);
    await run(task.start());
    expect(await hub.listTasks()).toEqual([
      {
        id: task.id,
        name: 'n',
        type: 'deterministic',
        status: 'completed',
        merkleRoot: task.merkleRoot,
        version: null,
        totalJobs: 2,
        completedJobs: 1,
        failedJobs: 1,
        createdAt,
        updatedAt: createdAt + 1000,
      },
    ]);
  });

  test('says the version of each task', async () => {
    const { hub, run } = bench();
    await run(hub.createTask({ name: 'n', source: listSource([1]), version: '7' }));
    expect((await hub.listTasks())[0]?.version).toBe('7');
  });

  test('newest first, also when made in the same millisecond', async () => {
    const { hub, run } = bench();
    for (const name of ['a', 'b', 'c']) await run(hub.createTask({ name, source: listSource([1]) }));
    expect((await hub.listTasks()).map(({ name }) => name)).toEqual(['c', 'b', 'a']);
  });

  test('gives all of more than a page', async () => {
    const { hub, clock } = bench();
    const created = [];
    for (const n of numbers(1100))
      created.push(hub.createTask({ name: `t${n}`, source: streamSource(() => [1]) }));
    await clock.run(Promise.all(created));
    const names = (await hub.listTasks()).map(({ name }) => name);
    expect([names.length, names[0], names.at(-1), new Set(names).size]).toEqual([1100, 't1099', 't0', 1100]);
  });

  test('by name and by status, alone and together', async () => {
    const { hub, run } = bench();
    const make = (name: string, data: number[]) =>
      run(hub.createTask({ name, source: listSource(data, { handler: odd }) }));
    await run((await make('a', [0])).start());
    await run((await make('a', [1])).start());
    await make('a', [2]);
    await run((await make('b', [0])).start());
    const list = async (filter: Parameters<typeof hub.listTasks>[0]) =>
      (await hub.listTasks(filter)).map(({ name, status }) => `${name} ${status}`);
    expect(await list({ name: 'a' })).toEqual(['a idle', 'a failed', 'a completed']);
    expect(await list({ status: 'completed' })).toEqual(['b completed', 'a completed']);
    expect(await list({ name: 'a', status: 'completed' })).toEqual(['a completed']);
    expect(await list({ name: 'c' })).toEqual([]);
    expect(await list({ name: undefined, status: undefined })).toHaveLength(4);
  });

  test('says running of a task that runs, and merkleRoot null of a dynamic one', async () => {
    const { hub, clock } = bench();
    const task = await hub.createTask({ name: 'n', source: streamSource(() => new Feed(1)) });
    void task.start();
    await clock.advance(10);
    expect(await hub.listTasks({ status: 'running' })).toMatchObject([{ merkleRoot: null, type: 'dynamic' }]);
  });
});

describe('findTaskByMerkleRoot', () => {
  test('gives the newest match', async () => {
    const { hub, run } = bench();
    await run(hub.createTask({ name: 'a', source: listSource([1, 2]) }));
    const newest = await run(hub.createTask({ name: 'b', source: listSource([2, 1]) }));
    await run(hub.createTask({ name: 'c', source: listSource([3]) }));
    const root = await computeMerkleRoot(await Promise.all([1, 2].map(generateJobId)));
    expect(await hub.findTaskByMerkleRoot(root)).toMatchObject({ id: newest.id, name: 'b', totalJobs: 2 });
  });

  test.each(['', 'x', 'f'.repeat(64)])('null when there is none: %j', async (root) => {
    const { hub, run } = bench();
    await run(hub.createTask({ name: 'a', source: listSource([1]) }));
    await hub.createTask({ name: 'd', source: streamSource(() => [1]) });
    expect(await hub.findTaskByMerkleRoot(root)).toBeNull();
  });
});

describe('deleteTask', () => {
  test('deletes the task with its jobs and says whether there was one', async () => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    expect([await hub.deleteTask(task.id), await hub.deleteTask(task.id)]).toEqual([true, false]);
    expect([await hub.getTask(task.id), await hub.listTasks()]).toEqual([null, []]);
  });

  test('one that is not live in this hub is deleted as well', async () => {
    const { hub, run, another } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    expect(await another().deleteTask(id)).toBe(true);
    expect(await hub.listTasks()).toEqual([]);
  });

  test('a running task is stopped first: its signal aborts, and its start() rejects with TASK_DELETED', async () => {
    const { hub, run, clock } = bench();
    let aborted = 0;
    const source = listSource(numbers(3), {
      handler: (input, ctx) => {
        ctx.signal.addEventListener('abort', () => aborted++);
        return takes<number>(clock, 1000)(input, ctx);
      },
    });
    const task = await run(hub.createTask({ name: 'n', source }));
    const over = rejection(task.start());
    await clock.advance(10);
    expect(await run(hub.deleteTask(task.id))).toBe(true);
    expect(await over).toMatchObject({ code: 'TASK_DELETED' });
    expect([aborted, clock.pending]).toEqual([3, 0]);
  });

  test('the object of a deleted task says TASK_DELETED', async () => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    await hub.deleteTask(task.id);
    const calls = [
      task.start(),
      task.resume(),
      task.retryFailed(),
      task.getProgress(),
      task.getResults(),
      all(task.results()),
    ];
    for (const call of calls) expect(await rejection(call)).toMatchObject({ code: 'TASK_DELETED' });
    await Promise.all([task.stop(), task.destroy()]);
    task.pause();
  });

  test('the same data afterwards is a new task', async () => {
    const { hub, run } = bench();
    const options = { name: 'n', source: listSource([1]) };
    const old = await run(hub.createTask(options));
    await run(old.start());
    await hub.deleteTask(old.id);
    const task = await run(hub.createTask(options));
    expect([task.id, task.created, task.status]).toEqual([old.id, true, 'idle']);
    expect(task).not.toBe(old);
  });

  test('a task that another hub deleted can be created again here', async () => {
    const { hub, run, another } = bench();
    const options = { name: 'n', source: listSource([1]) };
    const old = await run(hub.createTask({ ...options, concurrency: { initial: 3 } }));
    await run(old.start());
    await another().deleteTask(old.id);
    const task = await run(hub.createTask(options));
    expect([task.created, task.status, task.currentConcurrency]).toEqual([true, 'idle', 5]);
    expect(await run(task.start())).toMatchObject({ ran: 1 });
  });
});

describe('resetFailedJobs', () => {
  test('puts failed jobs back with no attempts, returns their number and moves a finished task to paused', async () => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource(numbers(5), { handler: odd }) }));
    await run(task.start());
    expect(await hub.resetFailedJobs(task.id)).toBe(2);
    expect([task.status, task.failedJobs, (await hub.listTasks())[0]?.status]).toEqual([
      'paused',
      0,
      'paused',
    ]);
    const pending = await task.getResults({ status: 'pending' });
    expect(pending.map(({ attempts, error }) => [attempts, error])).toEqual([
      [0, 'odd'],
      [0, 'odd'],
    ]);
  });

  test('with none failed returns 0 and changes nothing', async () => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource([2]) }));
    expect([await hub.resetFailedJobs(task.id), task.status]).toEqual([0, 'idle']);
    await run(task.start());
    expect([await hub.resetFailedJobs(task.id), task.status]).toEqual([0, 'completed']);
  });

  test('works on a task that has no source here', async () => {
    const { hub, run, another } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource([1], { handler: odd }) }));
    await run(task.start());
    expect(await another().resetFailedJobs(task.id)).toBe(1);
    expect(await hub.listTasks()).toMatchObject([{ status: 'paused', failedJobs: 0 }]);
  });

  test('an unknown id is TASK_NOT_FOUND', async () => {
    expect(await rejection(bench().hub.resetFailedJobs('x'))).toMatchObject({ code: 'TASK_NOT_FOUND' });
  });
});

describe('compare', () => {
  interface Row {
    id: number;
    text: string;
  }
  const rows = (...texts: [number, string][]): Row[] => texts.map(([id, text]) => ({ id, text }));
  const A = rows([1, 'a'], [2, 'b'], [3, 'c'], [4, 'd']);
  const B = rows([4, 'D'], [2, 'b'], [5, 'e'], [3, 'C']);
  const compared = async (a: unknown[], b: unknown[], options?: { key?: (input: unknown) => string }) => {
    const { hub, run } = bench();
    const x = await run(hub.createTask({ name: 'a', source: listSource(a) }));
    const y = await run(hub.createTask({ name: 'b', source: listSource(b) }));
    return hub.compare(x.id, y.id, options);
  };

  test('counts what only one of them has, and what both have', async () => {
    expect(await compared(A, B)).toEqual({ added: 3, removed: 3, changed: 0, unchanged: 1 });
  });

  test('key: a job with the key of another one counts as changed, and as neither added nor removed', async () => {
    const key = (input: unknown): string => String((input as Row).id);
    expect(await compared(A, B, { key })).toEqual({ added: 1, removed: 1, changed: 2, unchanged: 1 });
  });

  test('key: two jobs of one key are two', async () => {
    const key = (): string => 'same';
    expect(await compared(rows([1, 'a'], [1, 'b']), rows([1, 'c']), { key })).toEqual({
      added: 0,
      removed: 1,
      changed: 1,
      unchanged: 0,
    });
  });

  test('counts many jobs, and those of empty tasks', async () => {
    const many = Array.from({ length: 20_000 }, (_, index) => index);
    expect(await compared(many, many.slice(10_000))).toEqual({
      added: 0,
      removed: 10_000,
      changed: 0,
      unchanged: 10_000,
    });
    expect(await compared([], [1])).toEqual({ added: 1, removed: 0, changed: 0, unchanged: 0 });
  });

  test('a task that is not there is TASK_NOT_FOUND, an unknown option INVALID_CONFIG', async () => {
    const { hub, run } = bench();
    const { id } = await run(hub.createTask({ name: 'a', source: listSource([1]) }));
    expect(await rejection(hub.compare(id, 'x'))).toMatchObject({ code: 'TASK_NOT_FOUND' });
    expect(await rejection(hub.compare(id, id, { keys: 'id' } as object))).toMatchObject({
      code: 'INVALID_CONFIG',
    });
  });
});

describe('diff', () => {
  const ids = (data: unknown[]): Promise<string[]> => Promise.all(data.map(generateJobId));
  const pair = async (a: unknown[], b: unknown[]) => {
    const world = bench();
    const [x, y] = [
      await world.run(world.hub.createTask({ name: 'a', source: listSource(a) })),
      await world.run(world.hub.createTask({ name: 'b', source: listSource(b) })),
    ];
    return { ...world, ids: [x.id, y.id] as const };
  };

  test('added is what only B has, removed what only A has, each in source order', async () => {
    const {
      hub,
      ids: [a, b],
    } = await pair([5, 1, 2, 3], [9, 3, 2, 8]);
    const { added, removed } = await hub.diff(a, b);
    expect([await all(added), await all(removed)]).toEqual([await ids([9, 8]), await ids([5, 1])]);
  });

  test('the same data has no difference, in whatever order', async () => {
    const {
      hub,
      ids: [a, b],
    } = await pair([1, 2], [2, 1]);
    for (const other of [a, b]) {
      const { added, removed } = await hub.diff(a, other);
      expect([await all(added), await all(removed)]).toEqual([[], []]);
    }
  });

  test('nothing and something', async () => {
    const {
      hub,
      ids: [a, b],
    } = await pair([], [1]);
    const { added, removed } = await hub.diff(a, b);
    expect([await all(added), await all(removed)]).toEqual([await ids([1]), []]);
  });

  test('more than a page on both sides', async () => {
    const {
      hub,
      ids: [a, b],
    } = await pair(numbers(2500), numbers(5000).slice(2000));
    const { added, removed } = await hub.diff(a, b);
    expect([(await all(added)).length, (await all(removed)).length]).toEqual([2500, 2000]);
  });

  test('ids that the source gave are what is compared and given', async () => {
    const { hub, run } = bench();
    const make = (name: string, data: { id: string; v: number }[]) =>
      run(hub.createTask({ name, source: listSource(data, { getJobId: ({ id }) => id }) }));
    const a = await make('a', [
      { id: 'x', v: 1 },
      { id: 'y', v: 1 },
    ]);
    const b = await make('b', [
      { id: 'x', v: 2 },
      { id: 'z', v: 1 },
    ]);
    const { added, removed } = await hub.diff(a.id, b.id);
    expect([await all(added), await all(removed)]).toEqual([['z'], ['y']]);
  });

  test('may be left early', async () => {
    const {
      hub,
      ids: [a, b],
    } = await pair([], numbers(10));
    for await (const id of (await hub.diff(a, b)).added) {
      expect(id).toBe((await ids([0]))[0]);
      break;
    }
  });

  test('an unknown id is TASK_NOT_FOUND', async () => {
    const {
      hub,
      ids: [a],
    } = await pair([1], [2]);
    expect(await rejection(hub.diff(a, 'x'))).toMatchObject({
      code: 'TASK_NOT_FOUND',
      details: { taskId: 'x' },
    });
    expect(await rejection(hub.diff('x', a))).toMatchObject({ code: 'TASK_NOT_FOUND' });
  });
});
