// A task that is deleted and made again under its id, in another order, while jobs of the old one still run elsewhere.
import { describe, expect, test } from 'vitest';
import type { Task } from '../src/task.js';
import type { TaskSourceLike } from '../src/types.js';
import { type Bench, bench, Feed, listSource, sleep, streamSource } from './fixtures.js';

const OLD = ['a', 'b', 'c'];
const NEW = ['c', 'b', 'a'];

type Source = TaskSourceLike<string, unknown>;
const SOURCES: Record<'deterministic' | 'dynamic', (data: string[], rest: Partial<Source>) => Source> = {
  deterministic: (data, rest) => listSource(data, rest),
  dynamic: (data, rest) => streamSource(() => data, rest),
};

/** Every job of the task with its result. */
async function results({ run }: Bench, task: Task<string, unknown>): Promise<unknown[]> {
  return (await run(task.getResults())).map(({ input, output }) => [input, output]);
}

for (const [type, sourceOf] of Object.entries(SOURCES)) {
  /**
   * The old task, which another process makes again after 1 s. Its first handler runs for a minute; the others end after
   * 2 s, and then its process has room for a job: the first one of the new task has the place of that which still runs.
   */
  async function madeAgain(config: { stopGrace?: number } = {}) {
    const b = bench();
    const other = b.another();
    const old = sourceOf(OLD, {
      handler: (input) => sleep(b.clock, input === 'a' ? 60_000 : 2000).then(() => `old ${input}`),
    });
    const common = { name: 'task', concurrency: { max: 3, initial: 3 }, timeout: 0, ...config };
    const first = await b.run(b.hub.createTask({ ...common, source: old }));
    const ended = first.start().catch((error: unknown) => error);
    await b.clock.advance(1000);
    const source = sourceOf(NEW, { handler: (input) => sleep(b.clock, 5000).then(() => `new ${input}`) });
    const second = await b.run(other.createTask({ ...common, source, ifExists: 'restart' }));
    return { ...b, b, first, ended, second, old, common };
  }

  describe(`a ${type} task that another process makes again in another order`, () => {
    test('no result of a handler of the old one goes to an input of the new one', async () => {
      const { b, run, ended, second, clock } = await madeAgain();
      await clock.advance(5000);
      const summary = second.start();
      await clock.advance(120_000);
      expect(await run(summary)).toMatchObject({ status: 'completed', completed: 3, ran: 3 });
      expect(await results(b, second)).toEqual(NEW.map((input) => [input, `new ${input}`]));
      expect(await run(ended)).toMatchObject({ code: 'TASK_DELETED' });
    });

    test('a run of the old one claims no job of the new one, and is told when its handlers have ended', async () => {
      const { adapter, first, ended, clock, run } = await madeAgain();
      await clock.advance(120_000);
      const { rows } = await adapter.readJobs(first.id, { limit: 9 });
      expect(rows.map(({ status }) => status)).toEqual(type === 'dynamic' ? [] : Array(3).fill('pending'));
      expect(await run(ended)).toMatchObject({ code: 'TASK_DELETED' });
    });

    test('the hub that still runs the old one gives the new one with createTask, in an object of its own', async () => {
      const { hub, b, run, first, ended, old, common } = await madeAgain({ stopGrace: 500 });
      const again = await run(hub.createTask({ ...common, source: old }));
      expect(again).not.toBe(first);
      expect(await run(ended)).toMatchObject({ code: 'TASK_DELETED' });
      expect(await run(again.start())).toMatchObject({ status: 'completed', completed: 3, ran: 3 });
      const order = type === 'dynamic' ? OLD : NEW; // a stream is read by whoever runs it
      expect(await results(b, again)).toEqual(order.map((input) => [input, `old ${input}`]));
    });
  });
}

test('a stream of the old one adds no input to the new one', async () => {
  const b = bench();
  const other = b.another();
  const feed = new Feed('a', 'b');
  const handler = (input: string) => sleep(b.clock, 60_000).then(() => `old ${input}`);
  const config = { name: 'task', concurrency: { max: 2, initial: 2 }, timeout: 0 };
  const first = await b.run(b.hub.createTask({ ...config, source: streamSource(() => feed, { handler }) }));
  const ended = first.start().catch((error: unknown) => error);
  await b.clock.advance(1000);
  const source = streamSource(() => ['x']);
  const second = await b.run(other.createTask({ ...config, source, ifExists: 'restart' }));
  feed.push('c');
  await b.clock.advance(1000);
  expect(await b.run(second.start())).toMatchObject({ status: 'completed', total: 1 });
  expect(await results(b, second)).toEqual([['x', 'x']]);
  await b.clock.advance(60_000);
  expect(await b.run(ended)).toMatchObject({ code: 'TASK_DELETED' });
});
