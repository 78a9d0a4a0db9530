import { describe, expect, test } from 'vitest';
import { bench, heard, listSource, sleep, taskOf } from './fixtures.js';

describe('handlers', () => {
  test('may be synchronous', async () => {
    const b = bench();
    const task = await taskOf(b, 100, (input) => input * 2);
    expect(await b.run(task.start())).toMatchObject({ completed: 100 });
    expect((await b.run(task.getResults())).map((job) => job.output).slice(0, 3)).toEqual([0, 2, 4]);
  });

  test('may throw synchronously', async () => {
    const b = bench();
    const task = await taskOf(b, 2, (input) => {
      if (input === 0) throw new Error('bad');
      return input;
    });
    expect(await b.run(task.start())).toMatchObject({ completed: 1, failed: 1 });
  });

  test('may return a thenable that is no Promise', async () => {
    const b = bench();
    // biome-ignore lint/suspicious/noThenProperty: it is what is tested
    const thenable = { then: (done: (value: string) => void) => done('ok') };
    const task = await taskOf(b, 1, () => thenable);
    await b.run(task.start());
    expect((await b.run(task.getResults()))[0]?.output).toBe('ok');
  });

  test('may return a thenable whose then throws', async () => {
    const b = bench();
    const task = await taskOf(b, 1, () => ({
      // biome-ignore lint/suspicious/noThenProperty: it is what is tested
      get then(): never {
        throw new Error('no then');
      },
    }));
    await b.run(task.start());
    expect((await b.run(task.getResults()))[0]?.error).toBe('no then');
  });

  test('are called on their source', async () => {
    const b = bench();
    const source = {
      ...listSource([1]),
      factor: 7,
      handler(input: number): number {
        return input * this.factor;
      },
    };
    const task = await b.run(b.hub.createTask({ name: 't', source }));
    await b.run(task.start());
    expect((await b.run(task.getResults()))[0]?.output).toBe(7);
  });

  test('get an input of their own: changing it changes nothing', async () => {
    const b = bench();
    const source = listSource([{ list: [1] }], {
      handler: (input, { attempt }) => {
        input.list.push(9);
        if (attempt === 1) throw Object.assign(new Error('again'), { code: 'EPIPE' });
        return input.list.length;
      },
    });
    const task = await b.run(b.hub.createTask({ name: 't', source }));
    await b.run(task.start());
    expect(await b.run(task.getResults())).toMatchObject([{ input: { list: [1] }, output: 2 }]);
  });

  test('get the ids, and a key that is the same for every attempt', async () => {
    const b = bench();
    const keys: string[] = [];
    const ids: string[] = [];
    const task = await taskOf(b, 1, (_, ctx) => {
      keys.push(ctx.idempotencyKey);
      ids.push(ctx.jobId, ctx.taskId);
      if (ctx.attempt < 3) throw Object.assign(new Error('again'), { code: 'EPIPE' });
    });
    await b.run(task.start());
    const [job] = await b.run(task.getResults());
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(keys).size).toBe(1);
    expect(ids.slice(0, 2)).toEqual([job?.id, task.id]);
  });

  test('never run more than max at once', async () => {
    const b = bench();
    let [running, most] = [0, 0];
    const task = await taskOf(
      b,
      400,
      async (input) => {
        running += 1;
        most = Math.max(most, running);
        await sleep(b.clock, 10 + (input % 7));
        running -= 1;
      },
      { concurrency: { max: 7, initial: 7 } },
    );
    await b.run(task.start());
    expect(most).toBe(7);
  });

  test('{ max: 1 } alone means one at a time, in source order', async () => {
    const b = bench();
    const seen: number[] = [];
    const task = await taskOf(
      b,
      20,
      async (input) => {
        await sleep(b.clock, 20 - input);
        seen.push(input);
      },
      { concurrency: { max: 1 } },
    );
    await b.run(task.start());
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });
});

describe('anything can be thrown', () => {
  const nothing = Object.create(null) as object;
  const THROWN: [string, unknown, string][] = [
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a text', 'out of paper', 'out of paper'],
    ['a number', 404, '404'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['a BigInt', 10n, '10'],
    ['a plain object', { message: 'plain' }, 'plain'],
    ['an object without prototype', nothing, '{}'],
    ['a function', () => 1, '() => 1'],
  ];
  for (const [name, thrown, message] of THROWN) {
    test(`${name}: fails the job, and comes wrapped in an Error with it as cause`, async () => {
      const b = bench();
      const task = await taskOf(b, 1, () => {
        throw thrown;
      });
      const errors: Error[] = [];
      task.on('job:failed', (job, error) => {
        expect(job.error).toBe(error.message);
        errors.push(error);
      });
      expect(await b.run(task.start())).toMatchObject({ failed: 1, errors: [] });
      expect(errors[0]).toBeInstanceOf(Error);
      expect(errors[0]?.cause).toBe(thrown);
      expect((await b.run(task.getResults()))[0]?.error).toBe(message);
    });
  }

  test('an Error: is given to job:failed itself', async () => {
    const b = bench();
    const thrown = Object.freeze(new Error('frozen'));
    const task = await taskOf(b, 1, () => Promise.reject(thrown));
    let seen: Error | undefined;
    task.on('job:failed', (_, error) => {
      seen = error;
    });
    await b.run(task.start());
    expect(seen).toBe(thrown);
  });

  test('an object whose every property throws: fails the job', async () => {
    const b = bench();
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('no');
        },
        getPrototypeOf() {
          throw new Error('no');
        },
      },
    );
    const task = await taskOf(b, 1, () => {
      throw hostile;
    });
    expect(await b.run(task.start())).toMatchObject({ failed: 1 });
  });

  test('name, message, code and status are kept', async () => {
    const b = bench();
    const error = Object.assign(new RangeError('too far'), { code: 'E_FAR', status: 418 });
    const task = await taskOf(b, 1, () => Promise.reject(error));
    await b.run(task.start());
    expect((await b.run(task.getResults({ status: 'failed' })))[0]?.failure).toEqual({
      name: 'RangeError',
      message: 'too far',
      code: 'E_FAR',
      status: 418,
    });
  });
});

describe('outputs', () => {
  test('undefined is no output', async () => {
    const b = bench();
    const task = await taskOf(b, 1, () => undefined);
    await b.run(task.start());
    expect((await b.run(task.getResults()))[0]).toMatchObject({ status: 'completed', output: undefined });
  });

  test('have the semantics of JSON.stringify', async () => {
    const b = bench();
    const value = {
      date: new Date(0),
      gone: undefined,
      list: [undefined, Number.NaN],
      map: new Map([[1, 2]]),
    };
    const task = await taskOf(b, 1, () => value);
    await b.run(task.start());
    expect((await b.run(task.getResults()))[0]?.output).toEqual(JSON.parse(JSON.stringify(value)));
  });

  const cycle: { self?: object } = {};
  cycle.self = cycle;
  const REFUSED: [string, unknown, string][] = [
    ['a BigInt', { a: [1n] }, 'output.a[0]'],
    ['a cycle', { deep: cycle }, 'output.deep.self'],
    ['a function', () => 1, 'output'],
    ['a symbol', Symbol('x'), 'output'],
  ];
  for (const [name, value, path] of REFUSED) {
    test(`${name} fails the job with OUTPUT_NOT_SERIALIZABLE, the path and codec, without a retry`, async () => {
      const b = bench();
      const task = await taskOf(b, 1, () => value);
      await b.run(task.start());
      const [job] = await b.run(task.getResults());
      expect(job).toMatchObject({
        status: 'failed',
        attempts: 1,
        failure: { code: 'OUTPUT_NOT_SERIALIZABLE', message: expect.stringContaining(path) },
      });
      expect(job?.error).toContain('codec');
    });
  }

  test('a Response fails the job with "return `await response.json()`"', async () => {
    const b = bench();
    const task = await taskOf(b, 1, () => new Response('{}'));
    await b.run(task.start());
    expect((await b.run(task.getResults()))[0]?.error).toContain('await response.json()');
  });

  test('a handler without a result has no output, and its codec is not asked for one', async () => {
    const b = bench();
    const codec = { encode: (value: unknown) => `<${String(value)}>`, decode: (text: string) => text };
    const task = await taskOf(b, 1, () => undefined, { codec });
    await b.run(task.start());
    expect((await b.run(task.getResults()))[0]).toMatchObject({ status: 'completed', output: undefined });
  });

  test('a codec that throws on the output fails the job with OUTPUT_NOT_SERIALIZABLE', async () => {
    const b = bench();
    const codec = {
      encode: (value: unknown) => {
        if (value === 'bad') throw new Error('cannot');
        return JSON.stringify(value);
      },
      decode: (text: string) => JSON.parse(text) as unknown,
    };
    const task = await taskOf(b, 2, (input) => (input === 0 ? 'bad' : 'good'), { codec });
    expect(await b.run(task.start())).toMatchObject({ completed: 1, failed: 1 });
    expect((await b.run(task.getResults()))[0]?.failure?.code).toBe('OUTPUT_NOT_SERIALIZABLE');
  });

  test('a codec that cannot read what it wrote stops neither the run nor the other events', async () => {
    const b = bench();
    const codec = {
      encode: (value: unknown) => JSON.stringify(value),
      decode: (text: string) => {
        if (text === '"out 1"') throw new Error('cannot read');
        return JSON.parse(text) as unknown;
      },
    };
    const task = await taskOf(b, 3, (input) => `out ${input}`, { codec });
    const lines = heard(task);
    expect(await b.run(task.start())).toMatchObject({ status: 'completed', completed: 3 });
    expect(lines.filter((line) => line.startsWith('complete '))).toEqual(['complete 0', 'complete 2']);
    expect(lines.filter((line) => line.startsWith('error'))).toHaveLength(1);
  });
});

describe('poisoned jobs', () => {
  /** Another owner claims all jobs and dies, so many times. */
  const deaths = async (times: number, config: object = {}) => {
    const b = bench();
    const calls: number[] = [];
    const task = await taskOf(b, 2, (input) => void calls.push(input), config);
    for (let death = 0; death < times; death += 1) {
      const now = b.clock.now();
      const claim = { limit: 10, leaseUntil: now + 1 };
      await b.adapter.exchange(task.id, { owner: `dead ${death}`, now, settle: [], claim });
      await b.adapter.releaseJobs(task.id, { owner: `dead ${death}`, crashed: true }, now);
    }
    return { ...b, task, calls };
  };

  test('a job whose process died during it 3 times is not run again: it fails as JOB_POISONED', async () => {
    const { run, task, calls } = await deaths(3);
    const lines = heard(task);
    const told: number[] = [];
    task.on('job:failed', ({ attempts }) => told.push(attempts));
    expect(await run(task.start())).toMatchObject({ status: 'failed', failed: 2, ran: 0 });
    expect(calls).toEqual([]);
    expect(told).toEqual([3, 3]);
    expect((await run(task.getResults()))[0]).toMatchObject({
      attempts: 3,
      failure: { code: 'JOB_POISONED' },
    });
    expect(lines.filter((line) => line.startsWith('failed'))).toHaveLength(2);
  });

  test('after 2 deaths it runs', async () => {
    const { run, task, calls } = await deaths(2);
    expect(await run(task.start())).toMatchObject({ status: 'completed', completed: 2 });
    expect(calls).toEqual([0, 1]);
  });

  test('maxCrashes moves the bound', async () => {
    const { run, task } = await deaths(1, { retry: { maxCrashes: 1 } });
    expect(await run(task.start())).toMatchObject({ failed: 2 });
  });

  test('retryFailed gives it another chance', async () => {
    const { run, task, calls } = await deaths(3);
    await run(task.start());
    await run(task.retryFailed());
    expect(await run(task.start())).toMatchObject({ status: 'completed', completed: 2 });
    expect(calls).toEqual([0, 1]);
  });

  test('a crash keeps the attempt spent', async () => {
    const { run, task } = await deaths(2);
    await run(task.start());
    expect((await run(task.getResults()))[0]).toMatchObject({ status: 'completed', attempts: 3 });
  });
});
