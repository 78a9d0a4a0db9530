// behaviour.md, section 2: creating a task that exists; versions; results of earlier tasks.
import { describe, expect, test } from 'vitest';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { FaultyAdapter } from '../src/testing/faulty-adapter.js';
import { bench, listSource, rejection, streamSource, takes } from './fixtures.js';

/** Fails for odd numbers, not for ever. */
const failing = (input: number): number => {
  if (input % 2 === 1) throw new Error(`odd ${input}`);
  return input;
};

describe("ifExists: 'resume'", () => {
  test('created: tells whether this call made the task', async () => {
    const { hub, run } = bench();
    const options = { name: 'n', source: listSource([1, 2]) };
    expect((await run(hub.createTask(options))).created).toBe(true);
    expect((await run(hub.createTask(options))).created).toBe(false);
  });

  test('created: looking at a task does not change what it says', async () => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    await hub.getTask(task.id);
    await hub.resumeTask(task.id, listSource([1]));
    expect(task.created).toBe(true);
  });

  test('finished work: is there, in another hub as well', async () => {
    const { hub, run, another } = bench();
    await run((await run(hub.createTask({ name: 'n', source: listSource([1, 2]) }))).start());
    const again = await run(another().createTask({ name: 'n', source: listSource([1, 2]) }));
    expect([again.created, again.status, again.completedJobs]).toEqual([false, 'completed', 2]);
  });

  test('rows: none is written for a data set that is known', async () => {
    const calls: string[] = [];
    const noting = new FaultyAdapter(new MemoryAdapter(), ({ method }) => void calls.push(method));
    const { hub, run } = bench(noting);
    const options = { name: 'n', source: listSource([1, 2]) };
    await run(hub.createTask(options));
    calls.length = 0;
    await run(hub.createTask(options));
    expect(calls.filter((call) => !/^(read|list)/.test(call))).toEqual([]);
  });

  test('start: on a completed one resolves at once, runs nothing, and fires progress and completed once', async () => {
    const { hub, run, another } = bench();
    await run((await run(hub.createTask({ name: 'n', source: listSource([1, 2]) }))).start());
    let calls = 0;
    const source = listSource([1, 2], { handler: () => calls++ });
    const task = await run(another().createTask({ name: 'n', source }));
    const seen: string[] = [];
    task.on('progress', ({ completed }) => seen.push(`progress ${completed}`));
    task.on('completed', () => seen.push('completed'));
    expect(await task.start()).toMatchObject({ status: 'completed', total: 2, completed: 2, ran: 0 });
    expect([seen, calls]).toEqual([['progress 2', 'completed'], 0]);
  });

  test('start: continues a half-done one', async () => {
    const { hub, run, clock } = bench();
    const source = listSource([1, 2, 3, 4], { handler: takes(clock, 100) });
    const first = await run(hub.createTask({ name: 'n', source, concurrency: { max: 1 } }));
    const over = first.start();
    await clock.advance(250);
    await run(first.stop());
    await over;
    const again = await run(hub.createTask({ name: 'n', source }));
    expect(again.completedJobs).toBe(2);
    expect(await run(again.start())).toMatchObject({ status: 'completed', completed: 4, ran: 2 });
  });

  test('source and options given: hold for this process', async () => {
    const { hub, run } = bench();
    await run(hub.createTask({ name: 'n', source: listSource([1]) }));
    const source = listSource([1], { handler: () => 'new' });
    const task = await run(hub.createTask({ name: 'n', source, concurrency: { initial: 9 } }));
    expect(task.currentConcurrency).toBe(9);
    await run(task.start());
    expect((await task.getResults())[0]?.output).toBe('new');
  });

  test('source and options given: on a running task hold for jobs started from now on', async () => {
    const { hub, run, clock } = bench();
    const old = listSource([1, 2], { handler: takes<number>(clock, 100) });
    const task = await run(hub.createTask({ name: 'n', source: old, concurrency: { max: 1 } }));
    const over = task.start();
    await clock.advance(50);
    const source = listSource([1, 2], { handler: () => 'new' });
    expect(await run(hub.createTask({ name: 'n', source, concurrency: { max: 1 } }))).toBe(task);
    await run(over);
    expect((await task.getResults()).map((job) => job.output)).toEqual([1, 'new']);
  });

  test('options stored: those of the creation stay, whatever a later process gives', async () => {
    const { hub, run, another } = bench();
    const options = { name: 'n', source: listSource([1]) };
    await run(hub.createTask({ ...options, concurrency: { initial: 3 } }));
    await run(another().createTask({ ...options, concurrency: { initial: 9 } }));
    expect((await run(another().createTask(options))).currentConcurrency).toBe(3);
  });

  test('a completed dynamic task: reads its stream again, skips known ids and runs the rest', async () => {
    const { hub, run, another } = bench();
    const stream = (...data: number[]) => ({ name: 'n', source: streamSource(() => data) });
    await run((await run(hub.createTask(stream(1, 2)))).start());
    const task = await run(another().createTask(stream(0, 1, 2, 3)));
    expect([task.created, task.status]).toEqual([false, 'completed']);
    expect(await run(task.start())).toMatchObject({ total: 4, completed: 4, ran: 2, duplicates: 0 });
    expect((await task.getResults()).map((job) => job.input)).toEqual([1, 2, 0, 3]);
  });

  test('duplicateInputs: of a dynamic task that exists is what its last reading counted', async () => {
    const { hub, run, another } = bench();
    const options = { name: 'n', source: streamSource(() => [1, 1, 2]) };
    await run((await run(hub.createTask(options))).start());
    expect((await run(another().createTask(options))).duplicateInputs).toBe(1);
  });

  test('duplicateInputs: repeats of a reading are counted anew, known ids are none', async () => {
    const { hub, run } = bench();
    const options = { name: 'n', source: streamSource(() => [1, 1, 2]) };
    const task = await run(hub.createTask(options));
    expect((await run(task.start())).duplicates).toBe(1);
    expect((await run(task.start())).duplicates).toBe(1);
  });
});

describe('ifExists: other choices', () => {
  test("'retry': failed jobs go back to pending as well", async () => {
    const { hub, run } = bench();
    const options = { name: 'n', source: listSource([0, 1, 2, 3], { handler: failing }) };
    expect(await run((await run(hub.createTask(options))).start())).toMatchObject({ failed: 2 });
    const source = listSource([0, 1, 2, 3]);
    const task = await run(hub.createTask({ ...options, source, ifExists: 'retry' }));
    expect([task.status, task.failedJobs, task.completedJobs]).toEqual(['paused', 0, 2]);
    expect(await run(task.start())).toMatchObject({ completed: 4, failed: 0, ran: 2 });
  });

  test("'retry': a completed dynamic task reads its stream again as well", async () => {
    const { hub, run } = bench();
    const options = { name: 'n', source: streamSource(() => [0, 1], { handler: failing }) };
    expect(await run((await run(hub.createTask(options))).start())).toMatchObject({ failed: 1 });
    const source = streamSource(() => [0, 1, 2]);
    const task = await run(hub.createTask({ ...options, source, ifExists: 'retry' }));
    expect(await run(task.start())).toMatchObject({ status: 'completed', completed: 3, ran: 2 });
  });

  test("'retry': with none failed changes nothing", async () => {
    const { hub, run } = bench();
    const options = { name: 'n', source: listSource([0]), ifExists: 'retry' } as const;
    await run((await run(hub.createTask(options))).start());
    expect((await run(hub.createTask(options))).status).toBe('completed');
  });

  test.each([
    ['array', () => [1, 2]],
    ['stream', () => [1, 2].values()],
  ])("'restart': deletes the task first and runs it all again (%s)", async (_, data) => {
    const { hub, run } = bench();
    const options = { name: 'n', source: listSource(data) };
    const old = await run(hub.createTask(options));
    await run(old.start());
    const task = await run(hub.createTask({ ...options, ifExists: 'restart' }));
    expect([task.id, task.created, task.status, task.completedJobs]).toEqual([old.id, true, 'idle', 0]);
    expect(task).not.toBe(old);
    expect((await run(task.start())).ran).toBe(2);
    expect(await rejection(old.start())).toMatchObject({ code: 'TASK_DELETED' });
  });

  test("'restart': a dynamic task begins anew", async () => {
    const { hub, run } = bench();
    const options = { name: 'n', source: streamSource(() => [1, 2]) };
    await run((await run(hub.createTask(options))).start());
    const task = await run(hub.createTask({ ...options, ifExists: 'restart' }));
    expect([task.created, task.totalJobs]).toEqual([true, 0]);
    expect((await run(task.start())).ran).toBe(2);
  });

  test("'restart': of a running task ends its run with TASK_DELETED", async () => {
    const { hub, run, clock } = bench();
    const options = { name: 'n', source: listSource([1], { handler: takes<number>(clock, 1000) }) };
    const over = rejection((await run(hub.createTask(options))).start());
    await clock.advance(10);
    const task = await run(hub.createTask({ ...options, ifExists: 'restart' }));
    expect(await over).toMatchObject({ code: 'TASK_DELETED' });
    expect(await run(task.start())).toMatchObject({ status: 'completed', ran: 1 });
  });

  test("'restart': data that cannot be used leaves the old task alone", async () => {
    const { hub, run } = bench();
    const source = (data: unknown) => listSource<unknown>([data], { getJobId: () => 'a' });
    const task = await run(hub.createTask({ name: 'n', source: source(1) }));
    await run(task.start());
    await rejection(run(hub.createTask({ name: 'n', source: source(new Map()), ifExists: 'restart' })));
    expect(await hub.getTask(task.id)).toBe(task);
  });

  test.each([
    ['array', () => [1, 2]],
    ['stream', () => [1, 2].values()],
  ])("'error': TASK_EXISTS with the id, and the task stays (%s)", async (_, data) => {
    const { hub, run, adapter } = bench();
    const options = { name: 'n', source: listSource(data), ifExists: 'error' } as const;
    const { id } = await run(hub.createTask(options));
    const error = await rejection(run(hub.createTask(options)));
    expect(error).toMatchObject({ code: 'TASK_EXISTS', details: { taskId: id } });
    expect(await hub.listTasks()).toHaveLength(1);
    expect((await adapter.listTasks({ status: 'ingesting', limit: 9 })).rows).toEqual([]);
  });
});

describe('version', () => {
  const at = (version: string | undefined, handler: () => string = () => `${version}`) => ({
    name: 'n',
    source: listSource(['a', 'b'], { handler }),
    version,
  });

  test('another one for the same data is refused with SOURCE_MISMATCH naming both', async () => {
    const { hub, run } = bench();
    await run(hub.createTask(at('1')));
    const error = await rejection(run(hub.createTask(at('2'))));
    expect(error).toMatchObject({ code: 'SOURCE_MISMATCH', details: { stored: '1', given: '2' } });
    expect((error as Error).message).toMatch(/"2".*"1"/);
  });

  test('one for a task that was stored without is refused', async () => {
    const { hub, run } = bench();
    await run(hub.createTask(at(undefined)));
    expect(await rejection(run(hub.createTask(at('1'))))).toMatchObject({ code: 'SOURCE_MISMATCH' });
  });

  test.each([
    ['1', '1'],
    ['1', undefined],
    [undefined, undefined],
  ])('stored %j, given %j: no mismatch', async (stored, given) => {
    const { hub, run } = bench();
    const task = await run(hub.createTask(at(stored)));
    expect(await run(hub.createTask(at(given)))).toBe(task);
  });

  test('a refused one leaves the live task with its source and options', async () => {
    const { hub, run } = bench();
    const task = await run(hub.createTask(at('1')));
    await rejection(run(hub.createTask(at('2'))));
    await run(task.start());
    expect((await task.getResults()).map((job) => job.output)).toEqual(['1', '1']);
  });

  test("ifExists 'restart': runs it all with the new code", async () => {
    const { hub, run } = bench();
    await run((await run(hub.createTask(at('1')))).start());
    const task = await run(hub.createTask({ ...at('2'), ifExists: 'restart' }));
    await run(task.start());
    expect((await task.getResults()).map((job) => job.output)).toEqual(['2', '2']);
    expect(await rejection(run(hub.createTask(at('1'))))).toMatchObject({ code: 'SOURCE_MISMATCH' });
  });

  test('reuse: keeps what is finished under the new version', async () => {
    const { hub, run } = bench();
    await run((await run(hub.createTask(at('1')))).start());
    const task = await run(hub.createTask({ ...at('2'), reuse: true }));
    expect([task.status, task.completedJobs]).toEqual(['completed', 2]);
    expect(await run(hub.createTask(at('2')))).toBe(task);
  });

  test('reuse of another task does not take the data under another version', async () => {
    const { hub, run } = bench();
    await run((await run(hub.createTask(at('1')))).start());
    const other = await run(hub.createTask({ ...at('2'), source: listSource(['other']) }));
    const error = await rejection(run(hub.createTask({ ...at('2'), reuse: other.id })));
    expect(error).toMatchObject({ code: 'SOURCE_MISMATCH' });
  });

  test('a definition that is resumed under another version is refused', async () => {
    const { hub, run } = bench();
    const { id } = await run(hub.createTask(at('1')));
    const definition = { name: 'n', version: '2', handler: (input: string) => input };
    expect(await rejection(run(hub.resumeTask(id, definition)))).toMatchObject({ code: 'SOURCE_MISMATCH' });
  });
});

describe('reuse', () => {
  const counting = (data: readonly number[], ran: number[]) =>
    listSource(data, {
      handler: (input) => {
        ran.push(input);
        return -input;
      },
    });

  test.each([
    ['array', (...data: number[]) => data],
    ['stream', (...data: number[]) => data.values()],
  ])('true: only new and changed inputs run, and summary.reused counts the others (%s)', async (_, form) => {
    const { hub, run } = bench();
    await run((await run(hub.createTask({ name: 'n', source: counting([1, 2, 3], []) }))).start());
    const ran: number[] = [];
    const source = { ...counting([], ran), getData: () => form(2, 3, 4) };
    const task = await run(hub.createTask({ name: 'n', source, reuse: true }));
    expect([task.created, task.totalJobs, task.completedJobs]).toEqual([true, 3, 2]);
    expect(await run(task.start())).toMatchObject({ completed: 3, ran: 1, reused: 2 });
    expect(ran).toEqual([4]);
    expect((await task.getResults()).map((job) => job.output)).toEqual([-2, -3, -4]);
  });

  test('true: takes the newest task of the name', async () => {
    const { hub, run } = bench();
    for (const [extra, word] of [
      [8, 'old'],
      [9, 'new'],
    ] as const) {
      const source = listSource([1, extra], { handler: () => word });
      await run((await run(hub.createTask({ name: 'n', source }))).start());
    }
    const task = await run(hub.createTask({ name: 'n', source: listSource([1, 7]), reuse: true }));
    expect((await task.getResults({ status: 'completed' })).map((job) => job.output)).toEqual(['new']);
  });

  test('true: with no earlier task runs everything', async () => {
    const { hub, run } = bench();
    const task = await run(hub.createTask({ name: 'n', source: listSource([1]), reuse: true }));
    expect(await run(task.start())).toMatchObject({ ran: 1, reused: 0 });
  });

  test('true: failed results are not copied', async () => {
    const { hub, run } = bench();
    await run(
      (await run(hub.createTask({ name: 'n', source: listSource([1, 2], { handler: failing }) }))).start(),
    );
    const task = await run(hub.createTask({ name: 'n', source: listSource([1, 2, 3]), reuse: true }));
    expect([task.completedJobs, task.failedJobs]).toEqual([1, 0]);
  });

  test('true: results of another version are not copied', async () => {
    const { hub, run } = bench();
    await run((await run(hub.createTask({ name: 'n', source: listSource([1]), version: '1' }))).start());
    const options = { name: 'n', source: listSource([1, 2]), version: '2', reuse: true };
    expect((await run(hub.createTask(options))).completedJobs).toBe(0);
  });

  test('true: when everything is copied start() has nothing to run and completes', async () => {
    const { hub, run } = bench();
    await run((await run(hub.createTask({ name: 'n', source: listSource([1, 2, 3]) }))).start());
    const task = await run(hub.createTask({ name: 'n', source: listSource([1, 2]), reuse: true }));
    const seen: string[] = [];
    task.on('completed', () => seen.push('completed'));
    expect(await run(task.start())).toMatchObject({ status: 'completed', ran: 0, reused: 2 });
    expect([seen, (await hub.listTasks())[0]?.status]).toEqual([['completed'], 'completed']);
  });

  test('a task id: copies from that task, also of another name', async () => {
    const { hub, run } = bench();
    const old = await run(hub.createTask({ name: 'old', source: listSource([1]) }));
    await run(old.start());
    const task = await run(hub.createTask({ name: 'n', source: listSource([1, 2]), reuse: old.id }));
    expect(task.completedJobs).toBe(1);
  });

  test('a task id that is not there: TASK_NOT_FOUND', async () => {
    const { hub, run } = bench();
    const error = await rejection(run(hub.createTask({ name: 'n', source: listSource([1]), reuse: 'f00' })));
    expect(error).toMatchObject({ code: 'TASK_NOT_FOUND' });
  });

  test('a dynamic task: copies while its stream is read', async () => {
    const { hub, run } = bench();
    await run((await run(hub.createTask({ name: 'n', source: listSource([1, 2]) }))).start());
    const task = await run(hub.createTask({ name: 'n', source: streamSource(() => [1, 2, 3]), reuse: true }));
    expect(await run(task.start())).toMatchObject({ completed: 3, ran: 1, reused: 2 });
  });

  test("with ifExists 'restart' it is refused: one keeps what the other throws away", async () => {
    const { hub, run } = bench();
    const options = { name: 'n', source: listSource([1]), ifExists: 'restart', reuse: true } as const;
    expect(await rejection(run(hub.createTask(options)))).toMatchObject({ code: 'INVALID_CONFIG' });
  });
});
