import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { FaultyAdapter } from '../src/testing/faulty-adapter.js';
import { bench, brokenPipe, heard, listSource, sleep, takes, taskOf } from './fixtures.js';

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => void process.on('unhandledRejection', note));
afterAll(() => void process.off('unhandledRejection', note));

/** What became unhandled since the last look. */
async function escaped(): Promise<unknown[]> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return unhandled.splice(0);
}

describe('the promise of start()', () => {
  test('stays pending after pause() and settles after the resume', async () => {
    const b = bench();
    const task = await taskOf(b, 9, takes(b.clock, 1000), { concurrency: { max: 3, initial: 3 } });
    let settled = false;
    const started = task.start().finally(() => {
      settled = true;
    });
    await b.clock.advance(100);
    task.pause();
    await b.clock.advance(3_600_000);
    expect([settled, task.completedJobs]).toEqual([false, 3]);
    void task.resume();
    expect(await b.run(started)).toMatchObject({ completed: 9 });
  });

  test('a paused task keeps the process alive', async () => {
    const b = bench();
    const task = await taskOf(b, 9, takes(b.clock, 1000));
    void task.start();
    await b.clock.advance(100);
    task.pause();
    await b.clock.advance(3_600_000);
    expect(b.clock.pending).toBeGreaterThan(0);
  });

  test('pauses are not counted in elapsed', async () => {
    const b = bench();
    const task = await taskOf(b, 2, takes(b.clock, 1000), { concurrency: { max: 1 } });
    const started = task.start();
    await b.clock.advance(500);
    task.pause();
    await b.clock.advance(100_000);
    void task.resume();
    const { elapsed } = await b.run(started);
    expect(elapsed).toBeGreaterThanOrEqual(1500);
    expect(elapsed).toBeLessThanOrEqual(2000);
  });

  test('a failed job does not reject it', async () => {
    const b = bench();
    const task = await taskOf(b, 3, (input) => {
      if (input === 1) throw new Error('bad');
      return input;
    });
    expect(await b.run(task.start())).toMatchObject({ status: 'completed', completed: 2, failed: 1 });
  });

  test('the status is failed when at least one job failed and none completed', async () => {
    const b = bench();
    const task = await taskOf(b, 2, () => Promise.reject(new Error('bad')));
    expect(await b.run(task.start())).toMatchObject({ status: 'failed', failed: 2, completed: 0 });
  });

  test('one that nobody awaits never becomes an unhandled rejection', async () => {
    const b = bench();
    const bare = await b.run(b.hub.createTask({ name: 'a', source: listSource([1]) }));
    await b.run(bare.destroy());
    void bare.start();
    void bare.resume();
    expect(await escaped()).toEqual([]);
  });

  test('one that nobody awaits and that the storage breaks never becomes an unhandled rejection', async () => {
    const store = new FaultyAdapter(new MemoryAdapter());
    const b = bench(store);
    const task = await taskOf(b, 3, takes(b.clock, 10));
    store.plan = ({ method }) =>
      method === 'open' || method === 'close' ? undefined : { error: new Error('io') };
    void task.start();
    task.pause();
    await b.clock.advance(10_000);
    void task.resume();
    await b.clock.advance(100_000);
    expect(await escaped()).toEqual([]);
  });

  test('the hub closing under everything lets no rejection escape', async () => {
    const b = bench();
    const task = await taskOf(b, 3, takes(b.clock, 10));
    void task.start();
    task.pause();
    void b.hub.close();
    void task.resume();
    await b.clock.advance(10_000);
    expect(await escaped()).toEqual([]);
  });

  test('a late rejection of a deaf handler does not escape', async () => {
    const b = bench();
    const task = await taskOf(
      b,
      1,
      async () => {
        await sleep(b.clock, 10_000);
        throw new Error('late');
      },
      { timeout: 100, retry: { maxAttempts: 1 } },
    );
    await b.run(task.start());
    await b.clock.advance(60_000);
    expect(await escaped()).toEqual([]);
  });
});

describe('listeners and predicates that throw or reject', () => {
  const EVENTS = [
    'progress',
    'job:start',
    'job:complete',
    'job:failed',
    'job:retry',
    'rate-limited',
    'completed',
  ] as const;
  // One that retries, one that is refused, one that fails, one that completes.
  const eventful = async (input: number, ctx: { attempt: number }): Promise<number> => {
    await null;
    if (input === 0 && ctx.attempt === 1) throw brokenPipe();
    if (input === 1 && ctx.attempt === 1) throw Object.assign(new Error('busy'), { status: 429 });
    if (input === 2) throw new Error('bad');
    return input;
  };

  for (const event of EVENTS) {
    for (const way of ['throws', 'rejects'] as const) {
      test(`a listener of ${event} that ${way} goes to the error event and harms nobody`, async () => {
        const b = bench();
        const task = await taskOf(b, 4, eventful);
        const errors: Error[] = [];
        task.on('error', (error) => errors.push(error));
        let reached = 0;
        const bad = (): never => {
          throw new Error('oops');
        };
        task.on(event, way === 'throws' ? bad : ((async () => bad()) as () => void));
        task.on(event, () => {
          reached += 1;
        });
        expect(await b.run(task.start())).toMatchObject({ completed: 3, failed: 1, errors: [] });
        await b.clock.advance(0);
        expect(reached).toBeGreaterThan(0);
        expect(errors).toHaveLength(reached);
        expect(errors[0]).toMatchObject({ code: 'LISTENER_FAILED', cause: { message: 'oops' } });
        expect(errors[0]?.message).toContain(event);
        expect(await escaped()).toEqual([]);
      });
    }
  }

  test('without an error listener it goes into summary.errors', async () => {
    const b = bench();
    const task = await taskOf(b, 2, () => 1);
    task.on('job:complete', () => {
      throw new Error('oops');
    });
    const { errors } = await b.run(task.start());
    expect(errors.map((error) => error.cause)).toEqual([new Error('oops'), new Error('oops')]);
  });

  test('without an error listener a completed listener that rejects is in summary.errors too', async () => {
    const b = bench();
    const task = await taskOf(b, 2, () => 1);
    task.on('completed', async () => {
      throw new Error('oops');
    });
    const { errors } = await b.run(task.start());
    expect(errors.map((error) => error.cause)).toEqual([new Error('oops')]);
  });

  test('summary.errors keeps the last 20', async () => {
    const b = bench();
    const task = await taskOf(b, 30, () => 1, { concurrency: { max: 1 } });
    task.on('job:complete', ({ input }) => {
      throw new Error(`oops ${input}`);
    });
    const { errors } = await b.run(task.start());
    expect(errors).toHaveLength(20);
    expect(errors.at(-1)?.cause).toEqual(new Error('oops 29'));
  });

  test('an error listener that throws goes into summary.errors', async () => {
    const b = bench();
    const task = await taskOf(b, 1, () => 1);
    task.on('job:complete', () => {
      throw new Error('first');
    });
    task.on('error', () => {
      throw new Error('second');
    });
    const { errors } = await b.run(task.start());
    expect(errors.map((error) => error.cause)).toEqual([new Error('second')]);
  });

  for (const predicate of ['isRetryable', 'isRateLimited', 'retryAfter'] as const) {
    for (const way of ['throws', 'rejects', 'answers with a promise'] as const) {
      test(`${predicate} that ${way} leaves the decision to the default rule and is reported`, async () => {
        const b = bench();
        const bad = (): never => {
          throw new Error('oops');
        };
        const later = async (): Promise<unknown> => (way === 'rejects' ? bad() : 7);
        const rule = way === 'throws' ? bad : (later as unknown as () => never);
        const task = await taskOf(b, 2, eventful, { rules: { [predicate]: rule } });
        const lines = heard(task);
        expect(await b.run(task.start())).toMatchObject({ completed: 2, failed: 0 });
        await b.clock.advance(0);
        expect(lines.filter((line) => line.startsWith('retry'))).toHaveLength(2);
        const errors = lines.filter((line) => line.startsWith('error'));
        expect(errors.length).toBeGreaterThan(0);
        expect(errors[0]).toContain(predicate);
        expect(await escaped()).toEqual([]);
      });
    }
  }

  for (const way of ['throws', 'rejects'] as const) {
    test(`halt.when that ${way} does not halt and is reported`, async () => {
      const b = bench();
      const bad = (): never => {
        throw new Error('oops');
      };
      const when = way === 'throws' ? bad : ((async () => bad()) as unknown as () => never);
      const task = await taskOf(b, 2, () => Promise.reject(new Error('bad')), { halt: { when } });
      const lines = heard(task);
      expect(await b.run(task.start())).toMatchObject({ status: 'failed', failed: 2 });
      expect(lines.filter((line) => line.startsWith('error'))).toHaveLength(2);
      expect(await escaped()).toEqual([]);
    });
  }

  test('a predicate is called on its source', async () => {
    const b = bench();
    const source = {
      ...listSource([1], { handler: () => Promise.reject(new Error('mine')) }),
      text: 'mine',
      calls: 0,
      isRetryable(error: unknown): boolean {
        this.calls += 1;
        return (error as Error).message === this.text;
      },
    };
    const task = await b.run(b.hub.createTask({ name: 't', source, retry: { maxAttempts: 2 } }));
    await b.run(task.start());
    expect(source.calls).toBe(2);
    expect((await b.run(task.getResults()))[0]?.attempts).toBe(2);
  });
});

describe('listeners', () => {
  test('on: gives a function that removes the listener', async () => {
    const b = bench();
    const task = await taskOf(b, 1, () => 1);
    let calls = 0;
    task.on('completed', () => {
      calls += 1;
    })();
    await b.run(task.start());
    expect(calls).toBe(0);
  });

  test('once: hears one event only', async () => {
    const b = bench();
    const task = await taskOf(b, 3, () => 1);
    let calls = 0;
    task.once('job:complete', () => {
      calls += 1;
    });
    await b.run(task.start());
    expect(calls).toBe(1);
  });

  test('off: removes a listener, also one added with once', async () => {
    const b = bench();
    const task = await taskOf(b, 3, () => 1);
    let calls = 0;
    const listener = () => {
      calls += 1;
    };
    task.on('job:complete', listener);
    task.once('completed', listener);
    task.off('job:complete', listener);
    task.off('completed', listener);
    await b.run(task.start());
    expect(calls).toBe(0);
  });

  test('removeAllListeners: removes all, or all of one event', async () => {
    const b = bench();
    const task = await taskOf(b, 3, () => 1);
    const lines = heard(task);
    task.removeAllListeners('job:start');
    await b.run(task.start());
    expect(lines).toEqual(['complete 0', 'complete 1', 'complete 2', 'completed']);
    task.removeAllListeners();
    await b.run(task.start());
    expect(lines).toHaveLength(4);
  });

  test('a listener added to two events is heard for each', async () => {
    const b = bench();
    const task = await taskOf(b, 1, () => 1);
    let calls = 0;
    const listener = () => {
      calls += 1;
    };
    task.on('job:start', listener);
    task.on('job:complete', listener);
    await b.run(task.start());
    expect(calls).toBe(2);
  });
});
