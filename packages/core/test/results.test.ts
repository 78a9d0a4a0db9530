import { describe, expect, test } from 'vitest';
import { bench, listSource, rejection, takes, taskOf } from './fixtures.js';

const mixed = async (count = 9) => {
  const b = bench();
  const task = await taskOf(b, count, (input) => {
    if (input % 3 === 2) throw new Error('bad');
    return input * 10;
  });
  await b.run(task.start());
  return { ...b, task };
};
const indexes = (jobs: readonly { index: number }[]): number[] => jobs.map((job) => job.index);

describe('getResults()', () => {
  test('gives jobs of every status in source order', async () => {
    const { task, run } = await mixed();
    const jobs = await run(task.getResults());
    expect(indexes(jobs)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(new Set(jobs.map((job) => job.status))).toEqual(new Set(['completed', 'failed']));
  });

  test('status: gives those of one status', async () => {
    const { task, run } = await mixed();
    const jobs = await run(task.getResults({ status: 'completed' }));
    expect(jobs.map((job) => job.output)).toEqual([0, 10, 30, 40, 60, 70]);
  });

  const QUERIES: [string, object, number[]][] = [
    ['limit', { limit: 2 }, [0, 1]],
    ['limit 0', { limit: 0 }, []],
    ['limit Infinity', { limit: Number.POSITIVE_INFINITY }, [0, 1, 2, 3, 4, 5, 6, 7, 8]],
    ['offset', { offset: 7 }, [7, 8]],
    ['limit and offset', { limit: 2, offset: 3 }, [3, 4]],
    ['offset beyond the end', { offset: 99, limit: 5 }, []],
    ['after', { after: 6 }, [7, 8]],
    ['after the last', { after: 8 }, []],
    ['after with limit', { after: 2, limit: 2 }, [3, 4]],
    ['status with limit and offset', { status: 'failed', limit: 1, offset: 1 }, [5]],
    [
      'explicit undefined',
      { status: undefined, limit: undefined, offset: undefined, after: undefined },
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
    ],
  ];
  for (const [name, query, expected] of QUERIES) {
    test(`${name}: gives what it names`, async () => {
      const { task, run } = await mixed();
      expect(indexes(await run(task.getResults(query)))).toEqual(expected);
    });
  }

  test('all rows by default, also more than a page', async () => {
    const { task, run } = await mixed(2500);
    expect(await run(task.getResults())).toHaveLength(2500);
    expect(await run(task.getResults({ limit: 1500, offset: 600 }))).toHaveLength(1500);
  });

  test('rows are copies', async () => {
    const b = bench();
    const source = listSource([{ list: [1] }], { handler: () => ({ deep: { value: 1 } }) });
    const task = await b.run(b.hub.createTask({ name: 't', source }));
    await b.run(task.start());
    const [first] = await b.run(task.getResults({ status: 'completed' }));
    const output = first?.output as { deep: { value: number } };
    output.deep.value = 99;
    first?.input.list.push(2);
    expect((await b.run(task.getResults()))[0]).toMatchObject({
      input: { list: [1] },
      output: { deep: { value: 1 } },
    });
  });

  test('works without a source in this process', async () => {
    const { task, run, another } = await mixed();
    const bare = await run(another().getTask(task.id));
    expect(await run(bare?.getResults({ status: 'completed' }) as Promise<unknown[]>)).toHaveLength(6);
  });

  test('rejects with HUB_CLOSED after close()', async () => {
    const { task, run, hub } = await mixed();
    await run(hub.close());
    expect(await rejection(task.getResults())).toMatchObject({ code: 'HUB_CLOSED' });
  });

  test('pending jobs have neither output nor error', async () => {
    const b = bench();
    const task = await taskOf(b, 1, () => 1);
    expect((await b.run(task.getResults()))[0]).toMatchObject({
      status: 'pending',
      attempts: 0,
      output: undefined,
      error: undefined,
      startedAt: undefined,
      completedAt: undefined,
    });
  });
});

describe('results()', () => {
  test('gives every row once while the task runs', async () => {
    const b = bench();
    const task = await taskOf(b, 3000, takes(b.clock, 10), { concurrency: { initial: 20 } });
    const started = task.start();
    const read = async (): Promise<number[]> => {
      const seen: number[] = [];
      for await (const job of task.results()) {
        seen.push(job.index);
        if (job.index % 500 === 0) await new Promise<void>((go) => b.clock.setTimeout(go, 200));
      }
      return seen;
    };
    const seen = await b.run(read());
    expect(seen).toEqual(Array.from({ length: 3000 }, (_, index) => index));
    await b.run(started);
  });

  test('status: gives those of one status', async () => {
    const { task } = await mixed();
    const seen: unknown[] = [];
    for await (const job of task.results({ status: 'failed' })) seen.push(job.error);
    expect(seen).toEqual(['bad', 'bad', 'bad']);
  });

  test('can be left early', async () => {
    const { task } = await mixed();
    for await (const job of task.results()) if (job.index === 2) break;
    expect(task.status).toBe('completed');
  });

  test('rejects with TASK_DELETED when the task is destroyed meanwhile', async () => {
    const { task, run } = await mixed(2500);
    const results = task.results();
    await run(results.next());
    await run(task.destroy());
    const rest = async (): Promise<void> => {
      for await (const _ of results);
    };
    expect(await rejection(rest())).toMatchObject({ code: 'TASK_DELETED' });
  });
});
