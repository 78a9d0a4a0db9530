// Standard Schema in definitions: inputs checked as they are read, results before they are recorded.
import { describe, expect, test } from 'vitest';
import { defineTask } from '../src/source.js';
import type { SchemaResult, StandardSchema } from '../src/types.js';
import { bench, rejection } from './fixtures.js';

function schemaOf<T>(
  validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>,
): StandardSchema<T> {
  return { '~standard': { validate } };
}

/** Makes numbers of texts. */
const numeric = schemaOf<{ n: number }>((value) => {
  const n = Number((value as { n: unknown }).n);
  return n >= 0 ? { value: { n } } : { issues: [{ message: 'must be a number', path: ['n'] }] };
});
const small = schemaOf<number>(async (value) =>
  (value as number) < 3 ? { value: value as number } : { issues: [{ message: 'is too large' }] },
);
const inputs = (...texts: string[]): { n: number }[] =>
  texts.map((n) => ({ n })) as unknown as { n: number }[];

describe('input', () => {
  const double = defineTask({ name: 'double', input: numeric, handler: ({ n }) => n * 2 });

  test.each([
    ['an array', () => inputs('1', '2')],
    ['a generator', () => inputs('1', '2').values()],
    ['a stream', () => new Blob(['']).stream().constructor && ReadableStream.from(inputs('1', '2'))],
  ])('of %s: the handler gets, and the store keeps, what the schema makes of it', async (_, data) => {
    const { hub, run } = bench();
    const task = await hub.createTask(double, { inputs: data() });
    await run(task.start());
    expect((await task.getResults()).map((job) => [job.input, job.output])).toEqual([
      [{ n: 1 }, 2],
      [{ n: 2 }, 4],
    ]);
  });

  test('that the schema refuses is INPUT_INVALID with its place, and leaves no task behind', async () => {
    const { hub } = bench();
    const error = await rejection(hub.createTask(double, { inputs: inputs('1', 'x') }));
    expect(error).toMatchObject({
      code: 'INPUT_INVALID',
      message: 'inputs[1] is not what its schema says: n: must be a number',
      details: { issues: [{ message: 'must be a number', path: 'n' }] },
    });
    expect(await hub.listTasks()).toEqual([]);
  });

  test('that the schema refuses is named by its whole path, keys and indexes alike', async () => {
    const { hub } = bench();
    const schema = schemaOf<number>(() => ({
      issues: [{ message: 'no', path: ['list', 2, { key: 'name' }] }],
    }));
    const task = defineTask({ name: 'n', input: schema, handler: (input) => input });
    const error = await rejection(hub.createTask(task, { inputs: [1] }));
    expect(error).toMatchObject({ details: { issues: [{ message: 'no', path: 'list.2.name' }] } });
  });

  test('is checked as a dynamic source is read', async () => {
    const { hub, run } = bench();
    const task = await hub.createTask({
      ...double,
      type: 'dynamic',
      id: 'stream',
      getData: () => inputs('1', '2', 'x'),
    });
    expect(await rejection(run(task.start()))).toMatchObject({ code: 'INPUT_INVALID' });
    expect(task.status).toBe('paused');
  });
});

test('output: a job whose result the schema refuses has failed, and is not tried again', async () => {
  const { hub, run } = bench();
  const task = await hub.createTask(
    { name: 'n', output: small, handler: (n: number) => n },
    { inputs: [1, 5] },
  );
  expect(await run(task.start())).toMatchObject({ completed: 1, failed: 1 });
  expect((await task.getResults())[1]).toMatchObject({
    attempts: 1,
    failure: { code: 'OUTPUT_INVALID', message: 'The result is not what its schema says: is too large' },
  });
});

test('a schema that is none is INVALID_CONFIG', async () => {
  const { hub } = bench();
  const definition = { name: 'n', handler: (n: number) => n, input: {} } as never;
  expect(await rejection(hub.createTask(definition))).toMatchObject({ code: 'INVALID_CONFIG' });
});
