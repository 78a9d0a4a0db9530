// behaviour.md, section 2: what makes two tasks the same task.
import { describe, expect, test } from 'vitest';
import { dynamicTaskId, generateJobId, generateTaskId } from '../src/identity.js';
import { computeMerkleRoot } from '../src/merkle.js';
import type { Task } from '../src/task.js';
import { bench, listSource, numbers, rejection, streamSource } from './fixtures.js';

const EMPTY_ROOT = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('identity', () => {
  test('ids: the task, its root and its jobs have exactly the ids that the exported functions give', async () => {
    const { hub, run } = bench();
    const inputs = [{ b: 1, a: 2 }, 'x', 7];
    const task = await run(hub.createTask({ name: 'n', source: listSource(inputs) }));
    const ids = await Promise.all(inputs.map(generateJobId));
    expect((await task.getResults()).map((job) => job.id)).toEqual(ids);
    expect(task.merkleRoot).toBe(await computeMerkleRoot(ids));
    expect(task.id).toBe(await generateTaskId('n', await computeMerkleRoot(ids)));
  });

  test('ids: a stream and an array of the same data give the same root and id', async () => {
    const { hub, run } = bench();
    const first = await run(hub.createTask({ name: 'n', source: listSource([1, 2, 3]) }));
    const second = await run(hub.createTask({ name: 'n', source: listSource(new Set([3, 1, 2])) }));
    expect(second).toBe(first);
  });

  test('ids: the same data in another order, or with repeats, is the same task and the same jobs', async () => {
    const { hub, run } = bench();
    const first = await run(hub.createTask({ name: 'n', source: listSource(['a', 'b']) }));
    const second = await run(hub.createTask({ name: 'n', source: listSource(['b', 'a', 'b', 'b']) }));
    expect([second.id, second.totalJobs, second.created]).toEqual([first.id, 2, false]);
  });

  test('ids: equal in two stores that know nothing of each other', async () => {
    const [a, b] = [bench(), bench()];
    const first = await a.run(a.hub.createTask({ name: 'n', source: listSource(numbers(50)) }));
    const second = await b.run(b.hub.createTask({ name: 'n', source: listSource(numbers(50).reverse()) }));
    expect([second.id, second.merkleRoot]).toEqual([first.id, first.merkleRoot]);
  });

  test('ids: another data set under the same name is another task', async () => {
    const { hub, run } = bench();
    const first = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    const second = await run(hub.createTask({ name: 'n', source: listSource([2]) }));
    expect(second.id).not.toBe(first.id);
    expect(await hub.listTasks({ name: 'n' })).toHaveLength(2);
  });

  test('ids: the same data under another name is another task with the same root', async () => {
    const { hub, run } = bench();
    const first = await run(hub.createTask({ name: 'a', source: listSource([1]) }));
    const second = await run(hub.createTask({ name: 'b', source: listSource([1]) }));
    expect(second.id).not.toBe(first.id);
    expect(second.merkleRoot).toBe(first.merkleRoot);
  });

  test('ids: an empty data set has the root of RFC 6962 and completes', async () => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource([]) }));
    expect(task.merkleRoot).toBe(EMPTY_ROOT);
    expect(await run(task.start())).toMatchObject({ status: 'completed', total: 0, ran: 0 });
  });

  test('ids: a dynamic task is identified by its name and the id of its source, and has no root', async () => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: streamSource(() => [1]) }));
    expect([task.id, task.merkleRoot]).toEqual([dynamicTaskId('n', 'stream'), null]);
  });

  test.each([undefined, '', 7])('ids: a dynamic source with the id %j is refused', async (id) => {
    const { hub, run } = bench();
    const source = { ...streamSource(() => [1]), id: id as string };
    const error = await rejection(run(hub.createTask({ name: 'n', source })));
    expect(error).toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringContaining('`id`') });
  });

  test('job ids: getJobId replaces the id and is used as given', async () => {
    const { hub, run } = bench();
    const source = listSource([{ sku: 'a' }, { sku: 'b' }], { getJobId: (input) => `sku ${input.sku}` });
    const task = await run(hub.createTask({ name: 'n', source }));
    expect((await task.getResults()).map((job) => job.id)).toEqual(['sku a', 'sku b']);
    expect(task.merkleRoot).toBe(await computeMerkleRoot(['sku a', 'sku b']));
  });

  test('job ids: getJobId is called as a method of its source', async () => {
    const { hub, run } = bench();
    const source = {
      ...listSource(['a']),
      prefix: 'id-',
      getJobId(input: string) {
        return this.prefix + input;
      },
    };
    const task = await run(hub.createTask({ name: 'n', source }));
    expect((await task.getResults())[0]?.id).toBe('id-a');
  });

  test.each([
    ['an array', (data: object[]) => data],
    ['a stream', (data: object[]) => data.values()],
  ])('job ids: the same id for different inputs of %s is refused with both indexes', async (_, form) => {
    const { hub, run } = bench();
    const data = form([{ id: 'a', n: 1 }, { id: 'b' }, { id: 'a', n: 2 }]);
    const source = listSource(data, { getJobId: (input) => (input as { id: string }).id });
    const error = await rejection(run(hub.createTask({ name: 'n', source })));
    expect(error).toMatchObject({ code: 'JOB_ID_CONFLICT', details: { id: 'a', indexes: [0, 2] } });
    expect(await hub.listTasks()).toEqual([]);
  });

  test('job ids: a conflict is refused also when a task with this set of ids is there already', async () => {
    const { hub, run } = bench();
    const getJobId = (input: unknown): string => (input as { id: string }).id;
    await run(hub.createTask({ name: 'n', source: listSource([{ id: 'a', n: 1 }], { getJobId }) }));
    const data = [
      { id: 'a', n: 1 },
      { id: 'a', n: 2 },
    ];
    const error = await rejection(run(hub.createTask({ name: 'n', source: listSource(data, { getJobId }) })));
    expect(error).toMatchObject({ code: 'JOB_ID_CONFLICT' });
  });

  test('job ids: equal inputs with one id are repeats, whatever the order of their keys', async () => {
    const { hub, run } = bench();
    const data = [
      { id: 'a', n: 1 },
      { n: 1, id: 'a' },
    ];
    const source = listSource(data, { getJobId: (input) => input.id });
    const task = await run(hub.createTask({ name: 'n', source }));
    expect([task.totalJobs, task.duplicateInputs]).toEqual([1, 1]);
  });

  test.each([undefined, '', 7, null])(
    'job ids: getJobId that gives %j is refused with the index',
    async (id) => {
      const { hub, run } = bench();
      const source = listSource([1, 2], { getJobId: (n) => (n === 2 ? (id as string) : 'a') });
      const error = await rejection(run(hub.createTask({ name: 'n', source })));
      expect(error).toMatchObject({ code: 'INVALID_CONFIG', details: { index: 1 } });
    },
  );

  test('job ids: getJobId that throws is SOURCE_FAILED with the cause', async () => {
    const { hub, run } = bench();
    const cause = new Error('no sku');
    const source = listSource([1], {
      getJobId: () => {
        throw cause;
      },
    });
    const error = await rejection(run(hub.createTask({ name: 'n', source })));
    expect(error).toMatchObject({ code: 'SOURCE_FAILED', cause });
  });

  test.each([
    ['a Map', { when: new Map() }, 'inputs[1].when is a Map'],
    ['a Date', { at: [new Date(0)] }, 'inputs[1].at[0] is a Date'],
    ['a BigInt', 1n, 'inputs[1] is a BigInt'],
    ['NaN', [Number.NaN], 'inputs[1][0] is NaN'],
    ['a promise', Promise.resolve(1), 'inputs[1] is a Promise'],
    ['undefined', undefined, 'inputs[1] is undefined'],
  ])('inputs: %s is refused with index and path, and nothing is left behind', async (_, input, words) => {
    const { hub, run, adapter } = bench();
    for (const data of [['ok', input], new Set(['ok', input])]) {
      const error = await rejection(run(hub.createTask({ name: 'n', source: listSource<unknown>(data) })));
      expect(error).toMatchObject({
        code: 'INPUT_NOT_SERIALIZABLE',
        message: expect.stringContaining(words),
      });
    }
    expect(await adapter.listTasks({ status: 'ingesting', limit: 9 })).toEqual({ rows: [], next: null });
  });

  test('codec: lets a source choose another text', async () => {
    const { hub, run } = bench();
    const codec = {
      encode: (value: unknown) => String(Number(value)),
      decode: (text: string) => new Date(+text),
    };
    const source = listSource([new Date(5)], { codec, handler: (input) => new Date(input.getTime() + 1) });
    const task = await run(hub.createTask({ name: 'n', source }));
    await run(task.start());
    const [job] = await task.getResults();
    expect([job?.input, job?.output]).toEqual([new Date(5), new Date(6)]);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['gives no text', () => 5 as unknown as string],
  ])('codec: one whose encode %s is refused with the index', async (_, encode) => {
    const { hub, run } = bench();
    const source = listSource([1], { codec: { encode, decode: JSON.parse } });
    const error = await rejection(run(hub.createTask({ name: 'n', source })));
    expect(error).toMatchObject({ code: 'INPUT_NOT_SERIALIZABLE', details: { index: 0 } });
  });
});

describe('repeats', () => {
  test.each([
    ['an array', () => ['a', 'b', 'a', 'a']],
    ['a stream', () => ['a', 'b', 'a', 'a'].values()],
  ])(
    'skip: repeats in %s make one job and are counted in duplicateInputs, progress and summary',
    async (_, data) => {
      const { hub, run } = bench();
      const task = await run(hub.createTask({ name: 'n', source: listSource(data) }));
      expect([task.totalJobs, task.duplicateInputs]).toEqual([2, 2]);
      expect((await run(task.start())).duplicates).toBe(2);
      expect((await task.getProgress()).duplicates).toBe(2);
    },
  );

  test('skip: repeats over several batches are found', async () => {
    const { hub, run } = bench();
    const data = [...numbers(1500), ...numbers(1500)];
    const task = await run(hub.createTask({ name: 'n', source: listSource(data.values()) }));
    expect([task.totalJobs, task.duplicateInputs]).toEqual([1500, 1500]);
  });

  test('index: is the place of the first occurrence in the source', async () => {
    const { hub, run } = bench();
    for (const data of [['a', 'a', 'b', 'a', 'c'], new Set(['a', 'b', 'c'])]) {
      const task = await run(hub.createTask({ name: String(data), source: listSource(data) }));
      const indexes = (await task.getResults()).map((job) => job.index);
      expect(indexes).toEqual(Array.isArray(data) ? [0, 2, 4] : [0, 1, 2]);
    }
  });

  test.each([
    ['an array', () => ['a', 'b', 'a']],
    ['a stream', () => ['a', 'b', 'a'].values()],
  ])('error: a repeat in %s is refused with both indexes, and nothing is left behind', async (_, data) => {
    const { hub, run } = bench();
    const options = { name: 'n', source: listSource(data), duplicates: 'error' } as const;
    const error = await rejection(run(hub.createTask(options)));
    expect(error).toMatchObject({ code: 'DUPLICATE_INPUT', details: { indexes: [0, 2] } });
    expect(await hub.listTasks()).toEqual([]);
  });

  test('run: every occurrence is a job of its own with its own id', async () => {
    const { hub, run } = bench();
    const source = listSource(['p', 'p', 'p']);
    const task = await run(hub.createTask({ name: 'n', source, duplicates: 'run' }));
    const jobs = await task.getResults();
    expect([task.totalJobs, task.duplicateInputs, new Set(jobs.map((job) => job.id)).size]).toEqual([
      3, 0, 3,
    ]);
    expect(jobs[0]?.id).toBe(await generateJobId('p'));
    expect((await run(task.start())).ran).toBe(3);
  });

  test('run: the same samples again are the same task', async () => {
    const { hub, run } = bench();
    const create = (): Promise<Task<string, unknown>> =>
      run(hub.createTask({ name: 'n', source: listSource(['p', 'p']), duplicates: 'run' }));
    const first = await create();
    expect(await create()).toBe(first);
    expect([first.created, first.totalJobs]).toEqual([false, 2]);
  });

  test('run: ids that the source gives are numbered as well', async () => {
    const { hub, run } = bench();
    const source = listSource(['p', 'p'], { getJobId: (input) => input });
    const task = await run(hub.createTask({ name: 'n', source, duplicates: 'run' }));
    const ids = (await task.getResults()).map((job) => job.id);
    expect(ids[0]).toBe('p');
    expect(new Set(ids).size).toBe(2);
  });
});
