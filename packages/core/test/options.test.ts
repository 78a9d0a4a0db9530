// behaviour.md, section 9 and the options of section 1: what is refused, what is assumed, what is stored.
import { describe, expect, test } from 'vitest';
import {
  completeConfig,
  DEFAULT_AIMD_CONFIG,
  DEFAULT_CONCURRENCY_CONFIG,
  DEFAULT_RETRY_CONFIG,
} from '../src/config.js';
import { Hub } from '../src/hub.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import type { CreateTaskOptions, TaskConfig } from '../src/types.js';
import { bench, listSource, numbers, rejection, streamSource, takes } from './fixtures.js';

const nonNumbers = [Number.NaN, '5', null, true, {}, 5n];
const notWhole = [0, -1, 1.5, Number.POSITIVE_INFINITY, ...nonNumbers];
const notMs = [-1, Number.POSITIVE_INFINITY, ...nonNumbers];

const REFUSED: Record<string, readonly unknown[]> = {
  name: ['', 5, null, undefined],
  version: [1, null, {}],
  ifExists: ['replace', true, ''],
  reuse: ['', 1, null],
  duplicates: ['keep', true],
  concurrency: [5, null, [], 'max', () => 5],
  'concurrency.min': notWhole,
  'concurrency.max': notWhole,
  'concurrency.initial': notWhole,
  'concurrency.algorithm': ['vegas', true],
  'concurrency.additiveIncrease': notWhole,
  'concurrency.multiplicativeDecrease': [0, 1, -0.5, 2, ...nonNumbers],
  'concurrency.successThreshold': notWhole,
  retry: [3, null, []],
  'retry.maxAttempts': notWhole,
  'retry.baseDelay': notMs,
  'retry.maxDelay': notMs,
  'retry.jitter': [-0.1, 1.1, ...nonNumbers],
  'retry.maxThrottles': [0, 1.5, -1, ...nonNumbers],
  'retry.maxCrashes': notWhole,
  timeout: [-1, ...nonNumbers],
  stopGrace: notMs,
  lookAhead: notWhole,
  progressInterval: notMs,
  halt: [5, null, []],
  'halt.failures': notWhole,
  'halt.firstFailures': notWhole,
  'halt.failureRate': [0.5, null, { rate: 0.5 }, { of: 10 }],
  'halt.when': ['401', null],
  codec: [5, {}, { encode: JSON.stringify }, { encode: 1, decode: 1 }],
  source: [undefined, null, 5, {}, { type: 'deterministic' }, { ...listSource([]), type: 'static' }],
};

/** Options of which the one under a dotted name is given. */
function having(name: string, value: unknown): CreateTaskOptions<unknown, unknown> {
  const [group = '', key] = name.split('.');
  const given = key === undefined ? value : { [key]: value };
  return { name: 'n', source: listSource([1]), [group]: given } as CreateTaskOptions<unknown, unknown>;
}

const show = (value: unknown): string =>
  typeof value === 'bigint' || typeof value === 'number'
    ? String(value)
    : (JSON.stringify(value) ?? 'undefined');

describe('validation', () => {
  const cases = Object.entries(REFUSED).flatMap(([name, values]) =>
    values.map((value) => [name, show(value), value]),
  );

  test.each(cases as [string, string, unknown][])(
    'createTask: %s %s is INVALID_CONFIG',
    async (name, _, value) => {
      const { hub, run } = bench();
      const error = await rejection(run(hub.createTask(having(name, value))));
      expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
      expect((error as Error).message).toContain(name.split('.').at(-1));
    },
  );

  const runOptions = cases.filter(([name]) =>
    /^(concurrency|retry|timeout|stopGrace|lookAhead|halt)/.test(String(name)),
  );
  test.each(runOptions.filter((_, at) => at % 5 === 0) as [string, string, unknown][])(
    'resumeTask: %s %s is INVALID_CONFIG',
    async (name, _, value) => {
      const { hub, run } = bench();
      const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
      const { name: _name, source: _source, ...config } = having(name, value);
      const error = await rejection(run(hub.resumeTask(id, listSource([1]), config)));
      expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
    },
  );

  test.each<TaskConfig>([
    { concurrency: { min: 6, max: 5 } },
    { concurrency: { max: 4, initial: 5 } },
    { concurrency: { min: 6, initial: 5 } },
    { concurrency: { initial: 51 } },
    { retry: { baseDelay: 500, maxDelay: 400 } },
  ])('createTask: %j contradicts itself', async (config) => {
    const { hub, run } = bench();
    const error = await rejection(run(hub.createTask({ name: 'n', source: listSource([1]), ...config })));
    expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('what is refused leaves nothing behind and calls nothing', async () => {
    const { hub, run } = bench();
    let calls = 0;
    const source = listSource(() => [++calls]);
    await rejection(run(hub.createTask({ name: 'n', source, timeout: -1 })));
    expect([calls, await hub.listTasks()]).toEqual([0, []]);
  });

  test.each<TaskConfig>([
    { timeout: 0 },
    { timeout: Number.POSITIVE_INFINITY },
    { timeout: 2 ** 40 },
    { retry: { maxThrottles: Number.POSITIVE_INFINITY } },
    { retry: { jitter: 0, baseDelay: 0 } },
    { retry: { baseDelay: 60_000 } },
    { concurrency: { min: 60 } },
    { stopGrace: 0, progressInterval: 0 },
    { halt: {} },
    { halt: { failureRate: { rate: 1, of: 1 } } },
  ])('createTask: %j is accepted', async (config) => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource([1]), ...config }));
    expect(await run(task.start())).toMatchObject({ status: 'completed' });
  });

  test('undefined: an explicit one is the same as none, in every group', async () => {
    const { hub, run } = bench();
    const keys = (group: string) =>
      Object.keys(REFUSED)
        .filter((name) => name.startsWith(`${group}.`))
        .map((name) => [name.slice(group.length + 1), undefined]);
    const groups = ['concurrency', 'retry', 'halt'].map((group) => [group, Object.fromEntries(keys(group))]);
    const flat = Object.keys(REFUSED)
      .filter((name) => !/\.|^name$|^source$/.test(name))
      .map((name) => [name, undefined]);
    const options = {
      ...Object.fromEntries(flat),
      ...Object.fromEntries(groups),
      name: 'n',
      source: listSource([1]),
    };
    const task = await run(hub.createTask(options));
    expect(task.currentConcurrency).toBe(5);
    expect(await run(task.start())).toMatchObject({ status: 'completed' });
  });

  test.each([
    ['concurency', 'concurrency'],
    ['Timeout', 'timeout'],
    ['maxRetries', 'retry'],
    ['ifexists', 'ifExists'],
    ['lookahead', 'lookAhead'],
    ['dublicates', 'duplicates'],
    ['sorce', 'source'],
    ['__proto', 'source'],
  ])('unknown keys: createTask refuses `%s` with the nearest known one', async (key, near) => {
    const { hub, run } = bench();
    const error = await rejection(run(hub.createTask({ name: 'n', source: listSource([1]), [key]: 1 })));
    expect(error).toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining(`\`${key}\``.slice(1, -1)),
    });
    if (key !== 'maxRetries' && key !== '__proto') expect((error as Error).message).toContain(`\`${near}\``);
  });

  test.each([
    ['concurrency', 'maximum', 'max'],
    ['retry', 'maxAttempt', 'maxAttempts'],
    ['retry', 'delay', 'maxDelay'],
    ['halt', 'failure', 'failures'],
  ])('unknown keys: also inside %s: `%s`', async (group, key, near) => {
    const { hub, run } = bench();
    const error = await rejection(run(hub.createTask(having(`${group}.${key}`, 1))));
    expect(error).toMatchObject({ code: 'INVALID_CONFIG', details: { nearest: near } });
  });

  test('unknown keys: names that objects have by themselves are refused as well', async () => {
    const { hub, run } = bench();
    for (const key of ['constructor', 'toString', 'hasOwnProperty']) {
      const error = await rejection(run(hub.createTask(having(key, 1))));
      expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
    }
  });

  test('unknown keys: refused even when their value is undefined', async () => {
    const { hub, run } = bench();
    expect(await rejection(run(hub.createTask(having('concurency', undefined))))).toMatchObject({
      code: 'INVALID_CONFIG',
    });
  });

  test('unknown keys: resumeTask takes no options of the creation', async () => {
    const { hub, run } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    const error = await rejection(run(hub.resumeTask(id, listSource([1]), { version: '2' } as TaskConfig)));
    expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('unknown keys: the hub, a definition, its inputs and a filter are checked as well', async () => {
    const { hub, run } = bench();
    const handler = (input: number): number => input;
    expect(() => new Hub(new MemoryAdapter(), { lease: 1 } as never)).toThrow(/leaseMs/);
    const definition = { name: 'n', handler, getdata: () => [1] } as never;
    expect(await rejection(run(hub.createTask(definition)))).toMatchObject({ code: 'INVALID_CONFIG' });
    const extra = { input: [1] } as never;
    const error = await rejection(run(hub.createTask({ name: 'n', handler, getData: () => [2] }, extra)));
    expect(error).toMatchObject({ code: 'INVALID_CONFIG', details: { nearest: 'inputs' } });
    expect(await rejection(hub.listTasks({ state: 'failed' } as never))).toMatchObject({
      code: 'INVALID_CONFIG',
      details: { nearest: 'status' },
    });
  });

  test.each(['ingesting', 'done', 5])('listTasks: the status %j is refused', async (status) => {
    const { hub } = bench();
    expect(await rejection(hub.listTasks({ status } as never))).toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test.each([0, 999, -1, Number.NaN, '5000'])('Hub: leaseMs %j is refused', (leaseMs) => {
    expect(() => new Hub(new MemoryAdapter(), { leaseMs: leaseMs as number })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG' }),
    );
  });

  test.each([undefined, null, 5, 'n', []])(
    'createTask: %j instead of options is INVALID_CONFIG',
    async (options) => {
      const { hub, run } = bench();
      expect(await rejection(run(hub.createTask(options as never)))).toMatchObject({
        code: 'INVALID_CONFIG',
      });
    },
  );
});

describe('defaults', () => {
  test('README: the defaults are the documented ones', () => {
    expect(DEFAULT_AIMD_CONFIG).toEqual({
      initialConcurrency: 5,
      minConcurrency: 1,
      maxConcurrency: 50,
      additiveIncrease: 1,
      multiplicativeDecrease: 0.5,
      successThreshold: 10,
    });
    expect(DEFAULT_CONCURRENCY_CONFIG).toEqual({ min: 1, max: 50, initial: 5 });
    expect(DEFAULT_RETRY_CONFIG).toMatchObject({
      maxAttempts: 3,
      baseDelay: 1000,
      maxDelay: 30_000,
      jitter: 0.5,
    });
    const { timeout, stopGrace, lookAhead, progressInterval } = completeConfig({});
    expect([timeout, stopGrace, lookAhead, progressInterval]).toEqual([30_000, 5000, 1000, 200]);
  });

  test.each<[NonNullable<TaskConfig['concurrency']>, number[]]>([
    [{}, [1, 50, 5]],
    [{ max: 1 }, [1, 1, 1]],
    [{ max: 3 }, [1, 3, 3]],
    [{ min: 8 }, [8, 50, 8]],
    [{ min: 60 }, [60, 60, 60]],
    [{ max: 500 }, [1, 500, 5]],
    [{ max: 20, initial: 20 }, [1, 20, 20]],
  ])('concurrency: of %j min, max and initial are %j', (concurrency, expected) => {
    const { min, max, initial } = completeConfig({ concurrency }).limit;
    expect([min, max, initial]).toEqual(expected);
  });

  test('concurrency: { max: 1 } alone means one at a time', async () => {
    const { hub, run, clock } = bench();
    let active = 0;
    let most = 0;
    const source = listSource(numbers(20), {
      handler: async (input, ctx) => {
        most = Math.max(most, ++active);
        await takes<number>(clock, 10)(input, ctx);
        active -= 1;
      },
    });
    const task = await run(hub.createTask({ name: 'n', source, concurrency: { max: 1 } }));
    expect(task.currentConcurrency).toBe(1);
    await run(task.start());
    expect(most).toBe(1);
  });
});

describe('stored options', () => {
  const given: TaskConfig = {
    concurrency: { min: 2, max: 20, initial: 7 },
    retry: { maxAttempts: 1 },
    timeout: 1234,
  };

  test('resumeTask: uses those of the creation, in another process', async () => {
    const { hub, run, clock, another } = bench();
    const source = listSource([1], { handler: takes(clock, 2000) });
    const { id } = await run(hub.createTask({ name: 'n', source, ...given }));
    const task = await another().resumeTask(id, source);
    expect(task?.currentConcurrency).toBe(7);
    expect(await run(task?.start() ?? Promise.reject(0))).toMatchObject({ failed: 1 });
    const [job] = (await task?.getResults()) ?? [];
    expect([job?.attempts, job?.failure?.code, clock.monotonic()]).toEqual([1, 'JOB_TIMEOUT', 1234]);
  });

  test('resumeTask: an override takes the place of one option and leaves the others', async () => {
    const { hub, run, another } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]), ...given }));
    const resume = (config: TaskConfig) => another().resumeTask(id, listSource([1]), config);
    expect((await resume({ concurrency: { initial: 9 } }))?.currentConcurrency).toBe(9);
    expect((await resume({ concurrency: { successThreshold: 3 } }))?.currentConcurrency).toBe(7);
    expect((await resume({ timeout: 5 }))?.currentConcurrency).toBe(7);
    expect((await resume({ concurrency: { max: 5 } }))?.currentConcurrency).toBe(5);
    expect((await resume({ concurrency: { min: 9 } }))?.currentConcurrency).toBe(9);
    expect((await resume({ concurrency: undefined }))?.currentConcurrency).toBe(7);
  });

  test('resumeTask: halt takes the place of all of the stored one', async () => {
    const { hub, run, another } = bench();
    const fails = (): never => {
      throw new Error('bad');
    };
    const source = listSource([1, 2, 3, 4], { handler: fails });
    const { id } = await run(hub.createTask({ name: 'n', source, halt: { firstFailures: 2 } }));
    const task = await another().resumeTask(id, source, { halt: { failures: 3 } });
    expect(await run(task?.start() ?? Promise.reject(new Error('no task')))).toMatchObject({ failed: 3 });
  });

  test('resumeTask: an override that contradicts what is stored is refused', async () => {
    const { hub, run, another } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]), ...given }));
    const error = await rejection(another().resumeTask(id, listSource([1]), { concurrency: { max: 1 } }));
    expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('resumeTask: an override holds for this process only', async () => {
    const { hub, run, another } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]), ...given }));
    await another().resumeTask(id, listSource([1]), { concurrency: { initial: 9 } });
    expect((await another().resumeTask(id, listSource([1])))?.currentConcurrency).toBe(7);
  });

  test('resumeTask: options of a definition are overrides', async () => {
    const { hub, run, another } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]), ...given }));
    const definition = { name: 'n', handler: (input: number) => input, concurrency: { initial: 11 } };
    expect((await another().resumeTask(id, definition))?.currentConcurrency).toBe(11);
    const over = await another().resumeTask(id, definition, { concurrency: { initial: 12 } });
    expect(over?.currentConcurrency).toBe(12);
  });

  test('getTask: currentConcurrency is the stored initial one right away', async () => {
    const { hub, run, another } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource([1]), ...given }));
    expect((await another().getTask(id))?.currentConcurrency).toBe(7);
  });

  test.each([0, Number.POSITIVE_INFINITY])(
    'timeout %d: no limit, after a resume as well',
    async (timeout) => {
      const { hub, run, clock, another } = bench();
      const source = listSource([1], { handler: takes(clock, 1e9) });
      const { id } = await run(hub.createTask({ name: 'n', source, timeout }));
      const task = await another().resumeTask(id, source);
      expect(await run(task?.start() ?? Promise.reject(0))).toMatchObject({ completed: 1 });
    },
  );

  test('a codec cannot be stored: resuming without it is SOURCE_MISMATCH, and no job is harmed', async () => {
    const { hub, run, another } = bench();
    const codec = { encode: (value: unknown) => `x${value}`, decode: (text: string) => text.slice(1) };
    const task = await run(hub.createTask({ name: 'n', source: listSource(['a']), codec }));
    expect(await rejection(another().resumeTask(task.id, listSource(['a'])))).toMatchObject({
      code: 'SOURCE_MISMATCH',
    });
    const resumed = await another().resumeTask(task.id, listSource(['a'], { codec }));
    expect(await run(resumed?.start() ?? Promise.reject(0))).toMatchObject({ completed: 1 });
    const [job] = (await resumed?.getResults()) ?? [];
    expect([job?.input, job?.output]).toEqual(['a', 'a']);
  });

  test('a codec given for a task that was stored without one is SOURCE_MISMATCH', async () => {
    const { hub, run, another } = bench();
    const { id } = await run(hub.createTask({ name: 'n', source: listSource(['a']) }));
    const codec = { encode: String, decode: String };
    const error = await rejection(another().resumeTask(id, listSource(['a'], { codec })));
    expect(error).toMatchObject({ code: 'SOURCE_MISMATCH' });
  });

  test('a dynamic task: its duplicates option is stored', async () => {
    const { hub, run, another } = bench();
    const source = streamSource(() => ['p', 'p']);
    const { id } = await run(hub.createTask({ name: 'n', source, duplicates: 'run' }));
    const task = await another().resumeTask(id, source);
    expect(await run(task?.start() ?? Promise.reject(0))).toMatchObject({ total: 2 });
  });
});
