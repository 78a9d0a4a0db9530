// behaviour.md, section 3: streams that are read while jobs run.
import { describe, expect, test } from 'vitest';
import { Hub } from '../src/hub.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { FaultyAdapter } from '../src/testing/faulty-adapter.js';
import { VirtualClock } from '../src/testing/virtual-clock.js';
import type { RunSummary } from '../src/types.js';
import { bench, Feed, numbers, portsOf, rejection, sleep, streamSource, takes } from './fixtures.js';

describe('reading', () => {
  test('createTask: resolves at once and reads nothing', async () => {
    const { hub } = bench();
    let calls = 0;
    const source = streamSource(() => {
      calls += 1;
      return [1];
    });
    const task = await hub.createTask({ name: 'n', source });
    expect([calls, task.totalJobs, task.type, task.status]).toEqual([0, 0, 'dynamic', 'idle']);
  });

  test('start: completes when the stream has ended and all jobs are settled', async () => {
    const { hub, run, clock } = bench();
    const feed = new Feed(1, 2);
    const task = await hub.createTask({ name: 'n', source: streamSource(() => feed) });
    const over = task.start();
    await clock.advance(60_000);
    expect([task.completedJobs, task.status]).toEqual([2, 'running']);
    feed.push(3);
    await clock.advance(60_000);
    expect([task.completedJobs, task.status]).toEqual([3, 'running']);
    feed.end();
    expect(await run(over)).toMatchObject({ status: 'completed', total: 3, ran: 3 });
  });

  test('start: an empty stream completes', async () => {
    const { hub, run } = bench();
    const task = await hub.createTask({ name: 'n', source: streamSource(() => []) });
    expect(await run(task.start())).toMatchObject({ status: 'completed', total: 0 });
  });

  test('progress: total grows and ingesting says so', async () => {
    const { hub, run, clock } = bench();
    const feed = new Feed(1);
    const source = streamSource(() => feed, { handler: takes(clock, 1000) });
    const task = await hub.createTask({ name: 'n', source });
    const over = task.start();
    await clock.advance(10);
    const first = await task.getProgress();
    feed.push(2, 3);
    feed.end();
    await clock.advance(10);
    const second = await task.getProgress();
    expect([first.total, first.ingesting, first.estimatedRemaining]).toEqual([1, true, null]);
    expect([second.total, second.ingesting]).toEqual([3, false]);
    await run(over);
  });

  test('partial batch: is written as soon as the iterator makes us wait', async () => {
    const { hub, clock } = bench();
    const seen: number[] = [];
    const feed = new Feed(1, 2);
    const source = streamSource(() => feed, { handler: (input) => seen.push(input) });
    void (await hub.createTask({ name: 'n', source })).start();
    await clock.advance(0);
    expect(seen).toEqual([1, 2]);
    feed.push(3);
    await clock.advance(0);
    expect(seen).toEqual([1, 2, 3]);
  });

  test('handler-fed: a stream that waits for its own jobs works', async () => {
    const { hub, run } = bench();
    const feed = new Feed('/');
    let open = 1;
    const links: Record<string, string[]> = { '/': ['/a', '/b'], '/a': ['/b', '/c'], '/b': [], '/c': ['/'] };
    const source = streamSource(() => feed, {
      handler: (page) => {
        const found = links[page] ?? [];
        const fresh = found.filter((link) => !feed.items.includes(link));
        feed.push(...fresh);
        open += fresh.length - 1;
        if (open === 0) feed.end();
        return found.length;
      },
    });
    const task = await hub.createTask({ name: 'crawl', source });
    expect(await run(task.start())).toMatchObject({ status: 'completed', total: 4, completed: 4 });
  });

  test('endless: a stream without end that never waits is read no further than needed, and stops', async () => {
    const { hub, run, clock } = bench();
    let given = 0;
    function* endless(): Generator<number> {
      for (;;) yield given++;
    }
    const source = streamSource(endless, { handler: takes(clock, 100) });
    const task = await hub.createTask({ name: 'n', source, lookAhead: 100, concurrency: { max: 10 } });
    const over = task.start();
    await clock.advance(5000);
    expect(task.completedJobs).toBeGreaterThan(100);
    expect(given - task.completedJobs).toBeLessThanOrEqual(100 + 10 + 1);
    await run(task.stop());
    expect(await over).toMatchObject({ status: 'paused' });
  });

  test.each([1, 2, 7, 1000])('lookAhead %i: never more pending jobs than that', async (lookAhead) => {
    const { hub, run, clock } = bench();
    const source = streamSource(() => numbers(3000), { handler: takes(clock, 10) });
    const task = await hub.createTask({
      name: 'n',
      source,
      lookAhead,
      concurrency: { min: 50 },
      progressInterval: 0,
    });
    let most = 0;
    task.on('progress', ({ pending }) => {
      most = Math.max(most, pending);
    });
    expect(await run(task.start())).toMatchObject({ completed: 3000 });
    expect(most).toBe(lookAhead);
  });

  test('lookAhead: 1,000 by default', async () => {
    const { hub, clock } = bench();
    const feed = new Feed(...numbers(5000));
    const source = streamSource(() => feed, { handler: takes(clock, 1e6) });
    void (await hub.createTask({ name: 'n', source, timeout: 0 })).start();
    await clock.advance(1000);
    expect(feed.given).toBe(1000);
  });

  test('lookAhead: jobs that wait for a retry count', async () => {
    const { hub, clock } = bench();
    const feed = new Feed(...numbers(100));
    const source = streamSource(() => feed, {
      handler: () => Promise.reject(new Error('no')),
      isRetryable: () => true,
    });
    const retry = { baseDelay: 1e6, maxDelay: 1e6 };
    void (await hub.createTask({ name: 'n', source, lookAhead: 10, retry })).start();
    await clock.advance(1000);
    expect(feed.given).toBeLessThanOrEqual(10 + 5); // five of them had a slot
  });

  test('lookAhead: a repeat costs no room', async () => {
    const { hub, run } = bench();
    const data = [...numbers(5000).map(() => 0), 1];
    const task = await hub.createTask({ name: 'n', source: streamSource(() => data), lookAhead: 1 });
    expect(await run(task.start())).toMatchObject({ total: 2, completed: 2, duplicates: 4999 });
  });

  test('a slow getData: is waited for, whatever is paused and resumed meanwhile', async () => {
    const { hub, run, clock } = bench();
    const data = new Promise<number[]>((resolve) => clock.setTimeout(() => resolve([1, 2, 3]), 1000));
    const task = await hub.createTask({ name: 'n', source: streamSource(() => data), lookAhead: 1 });
    const over = task.start();
    await clock.advance(100);
    task.pause();
    await clock.advance(100);
    void task.resume();
    expect(await run(over)).toMatchObject({ status: 'completed', completed: 3 });
    expect(clock.monotonic()).toBe(1000);
  });

  test('pause: keeps the iterator, and reads no more than the look-ahead', async () => {
    const { hub, run, clock } = bench();
    const feed = new Feed(...numbers(100));
    const source = streamSource(() => feed, { handler: takes(clock, 100) });
    const task = await hub.createTask({ name: 'n', source, lookAhead: 10, concurrency: { max: 5 } });
    const over = task.start();
    await clock.advance(150);
    task.pause();
    await clock.advance(100);
    const given = feed.given;
    await clock.advance(60_000);
    expect(feed.given).toBe(given);
    void task.resume();
    feed.end();
    expect(await run(over)).toMatchObject({ status: 'completed', completed: 100 });
    expect([feed.readings, feed.returned, feed.given]).toEqual([1, 0, 100]);
  });

  test.each(['stop', 'close', 'destroy'] as const)(
    '%s: calls return() and does not wait for it',
    async (command) => {
      const { hub, run, clock } = bench();
      const never = new Promise<never>(() => {});
      let returned = 0;
      const iterator: AsyncIterator<number> = {
        next: () => never,
        return: () => {
          returned += 1;
          return never;
        },
      };
      const source = streamSource(() => ({ [Symbol.asyncIterator]: () => iterator }));
      const task = await hub.createTask({ name: 'n', source });
      const over = task.start().catch((error: { code: string }) => ({ status: error.code }));
      await clock.advance(10);
      await run(command === 'close' ? hub.close() : task[command]());
      expect(await over).toMatchObject({ status: command === 'destroy' ? 'TASK_DELETED' : 'paused' });
      expect([returned, clock.pending]).toEqual([1, 0]);
    },
  );

  test('stop: cancels a ReadableStream, also while it is waited for', async () => {
    const { hub, run, clock } = bench();
    let cancelled = 0;
    const stream = new ReadableStream<number>({
      start: (controller) => controller.enqueue(1),
      cancel: () => {
        cancelled += 1;
      },
    });
    const task = await hub.createTask({ name: 'n', source: streamSource(() => stream) });
    const over = task.start();
    await clock.advance(10);
    await run(task.stop());
    expect([(await over).completed, cancelled]).toEqual([1, 1]);
  });

  test.each(['throws', 'rejects'])('stop: a return() that %s harms nobody', async (how) => {
    const { hub, run, clock } = bench();
    const iterator: AsyncIterator<number> = {
      next: () => new Promise(() => {}),
      return: () => {
        if (how === 'throws') throw new Error('no');
        return Promise.reject(new Error('no'));
      },
    };
    const source = streamSource(() => ({ [Symbol.asyncIterator]: () => iterator }));
    const task = await hub.createTask({ name: 'n', source });
    const over = task.start();
    await clock.advance(10);
    await run(task.stop());
    expect(await over).toMatchObject({ status: 'paused', errors: [] });
  });

  test('stop: while getData has not answered, ends at once, and what it gives later is given up', async () => {
    const { hub, run, clock } = bench();
    const feed = new Feed(1);
    const data = new Promise<Feed<number>>((resolve) => clock.setTimeout(() => resolve(feed), 1000));
    const task = await hub.createTask({ name: 'n', source: streamSource(() => data) });
    const over = task.start();
    await clock.advance(10);
    await run(task.stop());
    expect(await over).toMatchObject({ status: 'paused' });
    await clock.advance(5000);
    expect([feed.given, feed.returned, task.totalJobs]).toEqual([0, 1, 0]);
  });
});

describe('reading again', () => {
  test('resume: an unfinished stream is read again and known ids are skipped', async () => {
    const { hub, run, clock, another } = bench();
    const ran: number[] = [];
    const feed = new Feed(...numbers(10));
    const source = streamSource(() => feed, { handler: (input) => ran.push(input) });
    const task = await hub.createTask({ name: 'n', source });
    void task.start();
    await clock.advance(10);
    await run(hub.close());
    const whole = streamSource(() => numbers(15), { handler: (input) => ran.push(input) });
    const resumed = await another().resumeTask(task.id, whole);
    expect(resumed?.status).toBe('paused');
    expect(await run(resumed?.resume() ?? Promise.reject(0))).toMatchObject({
      total: 15,
      ran: 5,
      duplicates: 0,
    });
    expect(ran).toEqual(numbers(15));
  });

  test('stop and start: in one process go on as well', async () => {
    const { hub, run, clock } = bench();
    const feed = new Feed(...numbers(10));
    const task = await hub.createTask({ name: 'n', source: streamSource(() => feed) });
    void task.start();
    await clock.advance(10);
    await run(task.stop());
    feed.push(10);
    feed.end();
    expect(await run(task.start())).toMatchObject({ status: 'completed', total: 11, ran: 1 });
    expect(feed.readings).toBe(2);
  });

  test('a stream that ended before the crash is not read again', async () => {
    const { hub, run, clock, another } = bench();
    let calls = 0;
    const getData = (): number[] => {
      calls += 1;
      return numbers(10);
    };
    const source = streamSource(getData, { handler: takes(clock, 1000) });
    const task = await hub.createTask({ name: 'n', source, concurrency: { max: 1 } });
    void task.start();
    await clock.advance(2500);
    await run(hub.close());
    const resumed = await another().resumeTask(task.id, streamSource(getData));
    expect(await run(resumed?.resume() ?? Promise.reject(0))).toMatchObject({ completed: 10, ran: 8 });
    expect(calls).toBe(1);
  });

  test('one that cannot be read again is SOURCE_FAILED, and nothing is taken for its end', async () => {
    const { hub, run, clock } = bench();
    async function* generate(): AsyncGenerator<number> {
      for (const n of numbers(10)) {
        await new Promise<void>((go) => clock.setTimeout(go, 100));
        yield n;
      }
    }
    const once = generate();
    const task = await hub.createTask({ name: 'n', source: streamSource(() => once) });
    void task.start();
    await clock.advance(450);
    await run(task.stop());
    expect(await rejection(run(task.start()))).toMatchObject({ code: 'SOURCE_FAILED' });
    expect([task.status, task.completedJobs]).toEqual(['paused', 4]);
    const source = streamSource(() => numbers(10));
    const again = await hub.resumeTask(task.id, source);
    expect(await run(again?.resume() ?? Promise.reject(0))).toMatchObject({
      total: 10,
      completed: 10,
      ran: 6,
    });
  });

  test('a ReadableStream that was read is SOURCE_FAILED', async () => {
    const { hub, run } = bench();
    const stream = new ReadableStream<number>({
      start(controller) {
        controller.enqueue(1);
        controller.close();
      },
    });
    const task = await hub.createTask({ name: 'n', source: streamSource(() => stream) });
    await run(task.start());
    expect(await rejection(run(task.start()))).toMatchObject({ code: 'SOURCE_FAILED' });
  });

  test("duplicates 'run': the same occurrences have the same ids in a later reading", async () => {
    const { hub, run } = bench();
    const source = streamSource(() => ['p', 'p', 'p']);
    const task = await hub.createTask({ name: 'n', source, duplicates: 'run' });
    expect(await run(task.start())).toMatchObject({ total: 3, ran: 3, duplicates: 0 });
    expect(await run(task.start())).toMatchObject({ total: 3, ran: 0, duplicates: 0 });
  });

  test("duplicates 'error': known ids are no repeats, a real one rejects start() with both indexes", async () => {
    const { hub, run } = bench();
    const data = ['a', 'b'];
    const options = { name: 'n', source: streamSource(() => data), duplicates: 'error' } as const;
    const task = await hub.createTask(options);
    await run(task.start());
    expect(await run(task.start())).toMatchObject({ status: 'completed', total: 2 });
    data.push('b');
    const error = await rejection(run(task.start()));
    expect(error).toMatchObject({ code: 'DUPLICATE_INPUT', details: { indexes: [1, 2] } });
  });

  test.each(['skip', 'error'] as const)(
    "two hubs that run one stream: every id is there once, runs once, and is no repeat (duplicates '%s')",
    async (duplicates) => {
      const { hub, run, clock, another } = bench();
      const ran: number[] = [];
      const start = async (h: Hub): Promise<RunSummary> => {
        const source = streamSource(() => numbers(500), {
          handler: (input, ctx) => {
            ran.push(input);
            return takes<number>(clock, 50)(input, ctx);
          },
        });
        const concurrency = { min: 10 };
        return (await h.createTask({ name: 'n', source, concurrency, lookAhead: 20, duplicates })).start();
      };
      const [a, b] = await run(Promise.all([start(hub), start(another())]));
      expect(ran.sort((x, y) => x - y)).toEqual(numbers(500));
      expect([a?.completed, b?.completed, (a?.ran ?? 0) + (b?.ran ?? 0)]).toEqual([500, 500, 500]);
      expect([a?.duplicates, b?.duplicates]).toEqual([0, 0]);
    },
  );

  test('stop and start: what a slow store was still writing is no repeat of the next reading', async () => {
    const clock = new VirtualClock();
    const store = new FaultyAdapter(new MemoryAdapter(), ({ method }) =>
      method === 'insertJobs' ? { until: sleep(clock, 100) } : undefined,
    );
    const hub = new Hub(store, { ports: portsOf(clock) });
    const feed = new Feed(...numbers(10));
    const options = { name: 'n', source: streamSource(() => feed), duplicates: 'error' } as const;
    const task = await hub.createTask(options);
    void task.start();
    await clock.advance(50);
    await clock.run(task.stop());
    feed.end();
    expect(await clock.run(task.start())).toMatchObject({ status: 'completed', total: 10, duplicates: 0 });
  });
});

describe('a stream that throws', () => {
  const cause = new Error('page 2 is down');

  test('pauses the task, keeps what was ingested, rejects start() and fires error', async () => {
    const { hub, run, clock } = bench();
    const feed = new Feed(...numbers(5));
    const source = streamSource(() => feed, { handler: takes(clock, 1000) });
    const task = await hub.createTask({ name: 'n', source, concurrency: { max: 2 } });
    const errors: Error[] = [];
    task.on('error', (error) => errors.push(error));
    const over = rejection(task.start());
    await clock.advance(10);
    feed.fail(cause);
    const error = await run(over);
    expect(error).toMatchObject({ code: 'SOURCE_FAILED', cause });
    expect([task.status, task.totalJobs, task.completedJobs]).toEqual(['paused', 5, 2]);
    expect(errors).toEqual([error]);
    expect((await hub.listTasks())[0]?.status).toBe('paused');
  });

  test('what it gave in the turn in which it throws is kept', async () => {
    const { hub, run } = bench();
    function* generate(): Generator<number> {
      yield* numbers(1234);
      throw cause;
    }
    const task = await hub.createTask({ name: 'n', source: streamSource(generate), lookAhead: 10_000 });
    await rejection(run(task.start()));
    expect((await task.getProgress()).total).toBe(1234);
  });

  test('start: works once the source is mended', async () => {
    const { hub, run } = bench();
    let broken = true;
    function* generate(): Generator<number> {
      yield 1;
      if (broken) throw cause;
      yield 2;
    }
    const task = await hub.createTask({ name: 'n', source: streamSource(generate) });
    await rejection(run(task.start()));
    broken = false;
    expect(await run(task.start())).toMatchObject({ status: 'completed', total: 2, completed: 2 });
  });

  test.each<[string, () => never[] | Promise<never[]>]>([
    [
      'throws',
      () => {
        throw cause;
      },
    ],
    ['rejects', () => Promise.reject(cause)],
  ])('getData that %s rejects start() with the cause', async (_, getData) => {
    const { hub, run } = bench();
    const task = await hub.createTask({ name: 'n', source: streamSource(getData) });
    expect(await rejection(run(task.start()))).toMatchObject({ code: 'SOURCE_FAILED', cause });
    expect(task.status).toBe('paused');
  });

  test('an input that cannot be used: start() rejects with its index, the jobs before it are kept', async () => {
    const { hub, run } = bench();
    const source = streamSource<unknown>(() => [1, 2, new Map(), 4]);
    const task = await hub.createTask({ name: 'n', source });
    const error = await rejection(run(task.start()));
    expect(error).toMatchObject({ code: 'INPUT_NOT_SERIALIZABLE', details: { path: 'inputs[2]' } });
    expect((await task.getProgress()).total).toBe(2);
  });

  test('a repeat in a handler-fed stream is refused although the stream waits', async () => {
    const { hub, run } = bench();
    const options = {
      name: 'n',
      source: streamSource(() => new Feed('a', 'a')),
      duplicates: 'error',
    } as const;
    const task = await hub.createTask(options);
    expect(await rejection(run(task.start()))).toMatchObject({ code: 'DUPLICATE_INPUT' });
  });

  test('the same id for different inputs: start() rejects with both indexes, whatever waits', async () => {
    const { hub, run } = bench();
    const source = streamSource(() => new Feed('a', 'b', 'c'), {
      getJobId: (input) => (input === 'c' ? 'a' : input),
    });
    const task = await hub.createTask({ name: 'n', source });
    const error = await rejection(run(task.start()));
    expect(error).toMatchObject({ code: 'JOB_ID_CONFLICT', details: { id: 'a', indexes: [0, 2] } });
  });

  test('an input that is refused with the last batch: start() rejects again until the source is mended', async () => {
    const { hub, run } = bench();
    const data = ['a', 'a'];
    const options = { name: 'n', source: streamSource(() => data), duplicates: 'error' } as const;
    const task = await hub.createTask(options);
    for (const _ of [1, 2]) {
      expect(await rejection(run(task.start()))).toMatchObject({ code: 'DUPLICATE_INPUT' });
    }
    data.pop();
    expect(await run(task.start())).toMatchObject({ status: 'completed', total: 1 });
  });

  test("one that throws after all is stopped is nobody's", async () => {
    const { hub, run, clock } = bench();
    const feed = new Feed(1);
    const task = await hub.createTask({ name: 'n', source: streamSource(() => feed) });
    const errors: Error[] = [];
    task.on('error', (error) => errors.push(error));
    const over = task.start();
    await clock.advance(10);
    await run(task.stop());
    feed.fail(cause);
    await clock.advance(10);
    expect([errors, (await over).status]).toEqual([[], 'paused']);
  });
});
