// behaviour.md, section 3: creation of deterministic tasks, what they accept, and what is left when it goes wrong.
import { describe, expect, test } from 'vitest';
import { Hub } from '../src/hub.js';
import type { StorageAdapter } from '../src/storage/contract.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { type FaultPlan, FaultyAdapter } from '../src/testing/faulty-adapter.js';
import { VirtualClock } from '../src/testing/virtual-clock.js';
import type { SourceData } from '../src/types.js';
import { bench, Feed, listSource, numbers, portsOf, rejection, streamSource } from './fixtures.js';

/** All that a store holds, tasks that are being ingested included. */
async function everything(adapter: StorageAdapter): Promise<number> {
  const visible = await adapter.listTasks({ limit: 99 });
  const ingesting = await adapter.listTasks({ status: 'ingesting', limit: 99 });
  return visible.rows.length + ingesting.rows.length;
}

/** A memory store that knows of dead owners, as stores on a disk do. */
class Mortal extends MemoryAdapter {
  readonly dead = new Set<string>();
  identity = 'first';
  readonly liveness = {
    identify: (): string => this.identity,
    isGone: (identity: string): boolean => this.dead.has(identity),
  };
}

async function* asyncItems<T>(...items: T[]): AsyncGenerator<T> {
  for (const item of items) {
    await null;
    yield item;
  }
}

function readable<T>(...items: T[]): ReadableStream<T> {
  return new ReadableStream({
    start(controller) {
      for (const item of items) controller.enqueue(item);
      controller.close();
    },
  });
}

/** A ReadableStream as browsers have it that cannot iterate it. */
function plainReadable<T>(...items: T[]): SourceData<T> {
  const stream = readable(...items);
  return { getReader: () => stream.getReader() } as SourceData<T>;
}

function thenable<T>(value: T): PromiseLike<T> {
  const settled = Promise.resolve(value);
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
  return { then: (...args) => settled.then(...args) };
}

const SHAPES: [string, () => SourceData<string> | PromiseLike<SourceData<string>>][] = [
  ['an array', () => ['a', 'b']],
  ['a frozen array', () => Object.freeze(['a', 'b'])],
  ['a Set', () => new Set(['a', 'b'])],
  ['an iterator', () => ['a', 'b'].values()],
  ['an async generator', () => asyncItems('a', 'b')],
  ['a ReadableStream', () => readable('a', 'b')],
  ['a ReadableStream that cannot be iterated', () => plainReadable('a', 'b')],
  ['a promise of an array', () => Promise.resolve(['a', 'b'])],
  ['a promise of an async generator', () => Promise.resolve(asyncItems('a', 'b'))],
  ['a promise of a ReadableStream', () => Promise.resolve(readable('a', 'b'))],
  ['a thenable', () => thenable(['a', 'b'])],
];

const NOT_ITERABLE: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 5],
  ['a string', 'abc'],
  ['an object', { a: 1 }],
  ['a promise of nothing', Promise.resolve()],
];

describe('getData', () => {
  test.each(SHAPES)('deterministic: %s is accepted', async (_, data) => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource(data) }));
    expect((await task.getResults()).map((job) => job.input)).toEqual(['a', 'b']);
  });

  test.each(SHAPES)('dynamic: %s is accepted', async (_, data) => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: streamSource(data) }));
    await run(task.start());
    expect((await task.getResults()).map((job) => job.output)).toEqual(['a', 'b']);
  });

  test.each(NOT_ITERABLE)(
    'deterministic: %s is SOURCE_FAILED, and nothing is left behind',
    async (_, data) => {
      const { hub, run, adapter } = bench();
      const source = listSource(() => data as string[]);
      const error = await rejection(run(hub.createTask({ name: 'n', source })));
      expect(error).toMatchObject({ code: 'SOURCE_FAILED' });
      expect(await everything(adapter)).toBe(0);
    },
  );

  test.each(NOT_ITERABLE)('dynamic: %s makes start() reject with SOURCE_FAILED', async (_, data) => {
    const { hub, run } = bench();
    const source = streamSource(() => data as string[]);
    const task = await run(hub.createTask({ name: 'n', source }));
    expect(await rejection(run(task.start()))).toMatchObject({ code: 'SOURCE_FAILED' });
    expect(task.status).toBe('paused');
  });

  test('calls: one per creation', async () => {
    const { hub, run } = bench();
    let calls = 0;
    for (const data of [[1, 2], new Set([3]), Promise.resolve([4])]) {
      const source = listSource<number>(() => {
        calls += 1;
        return data;
      });
      await run(hub.createTask({ name: 'n', source }));
    }
    expect(calls).toBe(3);
  });

  test('calls: none by resumeTask and resume of a task that is fully ingested', async () => {
    const { hub, run, another } = bench();
    const refuse = (): never => {
      throw new Error('called');
    };
    const list = await run(hub.createTask({ name: 'n', source: listSource([1, 2]) }));
    const resumed = await another().resumeTask(list.id, listSource<number>(refuse));
    expect(await run(resumed?.resume() ?? Promise.reject(0))).toMatchObject({ completed: 2 });

    const failing = streamSource(() => [1], { handler: () => Promise.reject(new Error('no')) });
    const stream = await run(hub.createTask({ name: 'n', source: failing }));
    await run(stream.start());
    await stream.retryFailed();
    const again = await another().resumeTask(stream.id, streamSource<number>(refuse));
    expect(await run(again?.resume() ?? Promise.reject(0))).toMatchObject({ completed: 1 });
  });

  test('calls: getData is called as a method of its source', async () => {
    const { hub, run } = bench();
    class Source {
      readonly type = 'deterministic';
      readonly #items = ['a'];
      getData(): string[] {
        return this.#items;
      }
      handler(input: string): string {
        return input + this.#items.length;
      }
    }
    const task = await run(hub.createTask({ name: 'n', source: new Source() }));
    await run(task.start());
    expect((await task.getResults())[0]?.output).toBe('a1');
  });

  test('the same generator twice: the second creation is SOURCE_FAILED, not an empty task', async () => {
    const { hub, run } = bench();
    const data = asyncItems(1, 2);
    await run(hub.createTask({ name: 'n', source: listSource(data) }));
    const error = await rejection(run(hub.createTask({ name: 'n', source: listSource(data) })));
    expect(error).toMatchObject({ code: 'SOURCE_FAILED' });
    expect(await hub.listTasks()).toHaveLength(1);
  });

  test('an array that grows meanwhile: the task holds what its root says', async () => {
    const { hub, run } = bench();
    const data = numbers(3000);
    const creating = hub.createTask({ name: 'n', source: listSource(data) });
    await Promise.resolve();
    data.push(3000);
    const task = await run(creating);
    const again = await run(hub.createTask({ name: 'n', source: listSource(numbers(task.totalJobs)) }));
    expect(again).toBe(task);
  });
});

describe('ingestion', () => {
  test('deterministic: all jobs are there before createTask resolves', async () => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource(numbers(2500)) }));
    expect([task.totalJobs, task.status, task.type]).toEqual([2500, 'idle', 'deterministic']);
    expect((await task.getResults()).map((job) => job.input)).toEqual(numbers(2500));
  });

  test('deterministic: a slow source is waited for', async () => {
    const { hub, run, clock } = bench();
    async function* slow(): AsyncGenerator<number> {
      for (const n of numbers(3)) {
        await new Promise<void>((go) => clock.setTimeout(go, 60_000));
        yield n;
      }
    }
    const task = await run(hub.createTask({ name: 'n', source: listSource(slow) }));
    expect([task.totalJobs, clock.monotonic()]).toEqual([3, 180_000]);
  });

  test('lease: an owner that reads a slow source keeps it, so nobody takes its half-made task away', async () => {
    const { hub, run, clock, another } = bench();
    const feed = new Feed('a');
    const creating = hub.createTask({ name: 'n', source: listSource(feed) });
    await clock.advance(120_000);
    await another().initialize();
    feed.push('b');
    feed.end();
    expect((await run(creating)).totalJobs).toBe(2);
  });

  test('a task that is being created is invisible', async () => {
    const { hub, clock, adapter, another } = bench();
    void hub.createTask({ name: 'n', source: listSource(new Feed('a')) });
    await clock.advance(10);
    const [half] = (await adapter.listTasks({ status: 'ingesting', limit: 9 })).rows;
    expect(half?.counts.total).toBe(1);
    expect(await another().listTasks()).toEqual([]);
    expect(await another().getTask(half?.id ?? '')).toBeNull();
    expect(await another().resumeTask(half?.id ?? '', listSource(['a']))).toBeNull();
  });
});

describe('a source that throws', () => {
  const cause = new Error('page 2 is down');
  const fail = (): never => {
    throw cause;
  };
  function* generator(): Generator<string> {
    yield 'a';
    fail();
  }
  async function* asyncGenerator(): AsyncGenerator<string> {
    yield* numbers(1500).map(String);
    fail();
  }
  test.each<[string, () => SourceData<string> | PromiseLike<SourceData<string>>]>([
    ['getData throws', fail],
    ['getData rejects', () => Promise.reject(cause)],
    ['a generator throws', generator],
    ['an async generator throws', asyncGenerator],
    ['a ReadableStream errors', () => new ReadableStream({ start: (controller) => controller.error(cause) })],
    ['[Symbol.iterator] throws', () => ({ [Symbol.iterator]: fail })],
    ['[Symbol.asyncIterator] throws', () => ({ [Symbol.asyncIterator]: fail })],
    ['next throws', () => ({ [Symbol.asyncIterator]: () => ({ next: fail }) })],
  ])('createTask: SOURCE_FAILED with the cause, nothing left behind (%s)', async (_, data) => {
    const { hub, run, adapter } = bench();
    const error = await rejection(run(hub.createTask({ name: 'n', source: listSource(data) })));
    expect(error).toMatchObject({ code: 'SOURCE_FAILED', cause });
    expect(await everything(adapter)).toBe(0);
  });

  test.each([
    ['undefined', undefined],
    ['a string', 'no'],
    ['an object without prototype', Object.create(null)],
  ])('createTask: a source may throw %s', async (_, thrown) => {
    const { hub, run } = bench();
    const error = await rejection(
      run(hub.createTask({ name: 'n', source: listSource(() => Promise.reject(thrown)) })),
    );
    expect(error).toMatchObject({ code: 'SOURCE_FAILED' });
    expect((error as Error).cause).toBe(thrown);
  });

  test('an iterator that breaks the protocol is SOURCE_FAILED', async () => {
    const { hub, run } = bench();
    for (const step of [undefined, 5, Promise.resolve(undefined)]) {
      const data = { [Symbol.asyncIterator]: () => ({ next: () => step as never }) };
      const error = await rejection(run(hub.createTask({ name: 'n', source: listSource(data) })));
      expect(error).toMatchObject({ code: 'SOURCE_FAILED' });
    }
  });

  test('the source is told to clean up when an input cannot be used', async () => {
    const { hub, run } = bench();
    const feed = new Feed<unknown>('a', new Map(), 'b');
    await rejection(run(hub.createTask({ name: 'n', source: listSource(feed) })));
    expect(feed.returned).toBe(1);
  });

  test('a source mended: the next creation works', async () => {
    const { hub, run } = bench();
    await rejection(run(hub.createTask({ name: 'n', source: listSource(fail) })));
    expect((await run(hub.createTask({ name: 'n', source: listSource([1]) }))).created).toBe(true);
  });

  test('a repeat in a stream that has stopped giving is refused without waiting for its next input', async () => {
    const { hub, run } = bench();
    const options = { name: 'n', source: listSource(new Feed('a', 'a')), duplicates: 'error' } as const;
    expect(await rejection(run(hub.createTask(options)))).toMatchObject({ code: 'DUPLICATE_INPUT' });
  });
});

describe('a source that never yields', () => {
  const never = new Promise<never>(() => {});
  test.each<[string, () => SourceData<string> | PromiseLike<SourceData<string>>]>([
    ['getData', () => never],
    ['next', () => ({ [Symbol.asyncIterator]: () => ({ next: () => never }) })],
    ['next after a first input', () => new Feed('a')],
  ])('close(): createTask rejects with HUB_CLOSED, nothing left behind (%s)', async (_, data) => {
    const { hub, run, clock, adapter } = bench();
    const creating = rejection(hub.createTask({ name: 'n', source: listSource(data) }));
    await clock.advance(60_000);
    await run(hub.close());
    expect(await creating).toMatchObject({ code: 'HUB_CLOSED' });
    expect([await everything(adapter), clock.pending]).toEqual([0, 0]);
  });

  test('close(): the source is told to clean up, and not waited for', async () => {
    const { hub, run, clock } = bench();
    let returned = 0;
    const iterator: AsyncIterator<string> = {
      next: () => never,
      return: () => {
        returned += 1;
        return never;
      },
    };
    const creating = rejection(
      hub.createTask({ name: 'n', source: listSource({ [Symbol.asyncIterator]: () => iterator }) }),
    );
    await clock.advance(10);
    await run(hub.close());
    await creating;
    expect(returned).toBe(1);
  });

  test('close(): an endless source that never waits lets go as well', async () => {
    const { hub, clock, adapter } = bench();
    function* endless(): Generator<number> {
      for (let n = 0; ; n++) yield n;
    }
    const creating = rejection(hub.createTask({ name: 'n', source: listSource(endless) }));
    await clock.run(() => clock.pending > 0);
    await clock.run(hub.close());
    expect(await creating).toMatchObject({ code: 'HUB_CLOSED' });
    expect(await everything(adapter)).toBe(0);
  });

  test('close(): while a large array is read createTask rejects with HUB_CLOSED, and reads no further', async () => {
    const { hub, clock, adapter } = bench();
    let read = 0;
    const source = listSource(numbers(20_000), { getJobId: (input) => `${input} ${++read}` });
    const creating = rejection(hub.createTask({ name: 'n', source }));
    await clock.run(() => read > 0);
    await clock.run(hub.close());
    expect(await creating).toMatchObject({ code: 'HUB_CLOSED' });
    await clock.run();
    expect([read < 5000, await everything(adapter)]).toEqual([true, 0]);
  });
});

describe('two at once', () => {
  test.each([
    ['arrays', () => numbers(1500)],
    ['streams', () => numbers(1500).values()],
  ])('two hubs that create the same task end with one (%s)', async (_, data) => {
    const { hub, run, another, adapter } = bench();
    const other = another();
    const made = Promise.all([hub, other].map((h) => h.createTask({ name: 'n', source: listSource(data) })));
    const [a, b] = await run(made);
    expect(a?.id).toBe(b?.id);
    expect([a?.created, b?.created].sort()).toEqual([false, true]);
    expect([a?.totalJobs, b?.totalJobs, await everything(adapter)]).toEqual([1500, 1500, 1]);
  });

  test('two hubs that create the same dynamic task end with one', async () => {
    const { hub, run, another, adapter } = bench();
    const made = Promise.all(
      [hub, another()].map((h) => h.createTask({ name: 'n', source: streamSource(() => [1]) })),
    );
    expect((await run(made)).map((task) => task.created).sort()).toEqual([false, true]);
    expect(await everything(adapter)).toBe(1);
  });

  test('two creations in one hub give the same live object', async () => {
    const { hub, run } = bench();
    const create = () => hub.createTask({ name: 'n', source: listSource([1, 2].values()) });
    const [a, b] = await run(Promise.all([create(), create()]));
    expect(a).toBe(b);
    expect(await run(a.start())).toMatchObject({ total: 2, ran: 2 });
  });

  test('a creation goes on when another process has finished the same one and begun to run it', async () => {
    const { hub, run, clock, another } = bench();
    const feed = new Feed('a');
    const creating = hub.createTask({ name: 'n', source: listSource(feed) });
    await clock.advance(10);
    const other = await run(another().createTask({ name: 'n', source: listSource(['a', 'b']) }));
    await run(other.start());
    feed.push('b');
    feed.end();
    const task = await run(creating);
    expect([task.id, task.created, task.status, task.completedJobs]).toEqual([
      other.id,
      false,
      'completed',
      2,
    ]);
  });
});

describe('a process that dies inside createTask', () => {
  /** Begins a creation and leaves it where it is, as a killed process would. */
  async function abandoned(adapter: Mortal): Promise<ReturnType<typeof bench>> {
    const world = bench(adapter);
    const dying = new Hub(adapter, { ports: portsOf(world.clock) });
    void dying.createTask({ name: 'n', source: listSource(new Feed('a')) }).catch(() => undefined);
    await world.clock.advance(10);
    expect(await everything(adapter)).toBe(1);
    adapter.identity = 'second';
    return world;
  }

  test('the next run finds no task, and removes the half-made one', async () => {
    const adapter = new Mortal();
    const { hub } = await abandoned(adapter);
    adapter.dead.add('first');
    expect(await hub.listTasks()).toEqual([]);
    expect(await everything(adapter)).toBe(0);
  });

  test('the next run completes it by ingesting again', async () => {
    const adapter = new Mortal();
    const { hub, run } = await abandoned(adapter);
    adapter.dead.add('first');
    const task = await run(hub.createTask({ name: 'n', source: listSource(['a', 'b']) }));
    expect([task.created, task.totalJobs, await everything(adapter)]).toEqual([true, 2, 1]);
  });

  test('one that may be alive is left alone', async () => {
    const adapter = new Mortal();
    const { hub } = await abandoned(adapter);
    await hub.initialize();
    expect(await everything(adapter)).toBe(1);
  });

  test('one whose lease has passed is removed, known to be dead or not', async () => {
    const adapter = new MemoryAdapter();
    const { clock } = bench(adapter);
    const dying = new Hub(adapter, { ports: portsOf(clock) });
    void dying.createTask({ name: 'n', source: listSource(new Feed('a')) }).catch(() => undefined);
    await clock.advance(10);
    const later = bench(adapter);
    await later.clock.advance(clock.monotonic() + 30_001);
    await later.hub.initialize();
    expect(await everything(adapter)).toBe(0);
  });

  test('leaseMs: is how long one that gives no sign of life is waited for', async () => {
    const adapter = new MemoryAdapter();
    const first = bench(adapter, { leaseMs: 5000 });
    void first.hub.createTask({ name: 'n', source: listSource(new Feed('a')) }).catch(() => undefined);
    await first.clock.advance(10);
    for (const [ms, left] of [
      [4000, 1],
      [1100, 0],
    ] as const) {
      const later = new VirtualClock(first.clock.now() + (left === 1 ? ms : 4000 + ms));
      await new Hub(adapter, { ports: portsOf(later) }).initialize();
      expect(await everything(adapter)).toBe(left);
    }
  });

  test('one that was only slow and comes back is told TASK_DELETED, and leaves nothing', async () => {
    const adapter = new Mortal();
    const { clock, hub } = bench(adapter);
    const feed = new Feed('a');
    const creating = rejection(hub.createTask({ name: 'n', source: listSource(feed) }));
    await clock.advance(10);
    adapter.identity = 'second';
    adapter.dead.add('first');
    await new Hub(adapter, { ports: portsOf(clock) }).initialize();
    feed.push('b');
    feed.end();
    expect(await clock.run(creating)).toMatchObject({ code: 'TASK_DELETED' });
    expect(await everything(adapter)).toBe(0);
  });
});

describe('a storage that fails while a task is created', () => {
  /** A store of which one method fails while `broken.method` names it. */
  function breakable(): { adapter: FaultyAdapter; broken: { method?: string } } {
    const broken: { method?: string } = {};
    const plan: FaultPlan = ({ method }) =>
      method === broken.method ? { error: new Error('disk') } : undefined;
    return { adapter: new FaultyAdapter(new MemoryAdapter(), plan), broken };
  }

  test.each(['insertTask', 'insertJobs', 'publishTask'])(
    '%s: createTask rejects with the code, and works once the cause is mended',
    async (method) => {
      const { adapter, broken } = breakable();
      const { hub, run } = bench(adapter);
      const options = { name: 'n', source: listSource(() => [1].values()) };
      broken.method = method;
      expect(await rejection(run(hub.createTask(options)))).toMatchObject({ code: 'STORAGE_FAILED' });
      expect(await everything(adapter)).toBe(0);
      delete broken.method;
      expect((await run(hub.createTask(options))).created).toBe(true);
    },
  );

  test('insertJobs: a source that has stopped giving does not keep createTask from rejecting', async () => {
    const { adapter, broken } = breakable();
    const { hub, run } = bench(adapter);
    broken.method = 'insertJobs';
    const error = await rejection(run(hub.createTask({ name: 'n', source: listSource(new Feed('a')) })));
    expect(error).toMatchObject({ code: 'STORAGE_FAILED' });
  });
});

describe('inputs as a function', () => {
  const definition = { name: 'n', handler: (input: number) => input };
  const made = async (data: number[], duplicates: 'skip' | 'error' = 'skip') => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const readings: number[] = [];
    const inputs = async function* (): AsyncGenerator<number> {
      readings.push(0);
      yield* data;
    };
    const create = () => b.run(b.hub.createTask({ ...definition, duplicates }, { inputs }));
    return { ...b, adapter, readings, create };
  };

  test('new data is read twice, once to look for the task and once to store it', async () => {
    const { create, run, readings } = await made([1, 2, 2, 3]);
    const task = await create();
    expect([task.created, task.totalJobs, task.duplicateInputs, readings.length]).toEqual([true, 3, 1, 2]);
    expect(await run(task.start())).toMatchObject({ completed: 3 });
  });

  test('data of a task that is there is read once, and nothing is written', async () => {
    const { create, readings, adapter } = await made([1, 2, 2, 3]);
    const { id } = await create();
    const written = adapter.calls('insertJobs');
    const again = await create();
    expect([again.id, again.created, again.duplicateInputs]).toEqual([id, false, 1]);
    expect([readings.length, adapter.calls('insertJobs')]).toEqual([3, written]);
  });

  test('repeats that are not allowed are found before anything is written', async () => {
    const { create, adapter } = await made([1, 1], 'error');
    expect(await rejection(create())).toMatchObject({ code: 'DUPLICATE_INPUT' });
    expect(await everything(adapter)).toBe(0);
  });

  test('a reading that throws leaves nothing behind', async () => {
    const adapter = new MemoryAdapter();
    const { hub, run } = bench(adapter);
    const inputs = async function* (): AsyncGenerator<number> {
      yield 1;
      throw new Error('cut off');
    };
    expect(await rejection(run(hub.createTask(definition, { inputs })))).toMatchObject({
      code: 'SOURCE_FAILED',
    });
    expect(await everything(adapter)).toBe(0);
  });

  test('close() ends a reading that never answers', async () => {
    const { hub, run, clock } = bench();
    const inputs = async function* (): AsyncGenerator<number> {
      await new Promise(() => undefined);
    };
    const creating = rejection(hub.createTask(definition, { inputs }));
    await clock.advance(10);
    await run(hub.close());
    expect(await creating).toMatchObject({ code: 'HUB_CLOSED' });
  });
});
