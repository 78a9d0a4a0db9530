// Handlers that do not hear of the end of their hub, and reject when it is long closed.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bench, sleep, taskOf } from './fixtures.js';

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(() => void process.off('unhandledRejection', note));

for (const end of ['rejects', 'returns'] as const) {
  test(`a handler that ${end} after close() disturbs nobody, and its job is pending`, async () => {
    const b = bench();
    let ended = 0;
    const task = await taskOf(b, 3, async () => {
      await sleep(b.clock, 60_000);
      ended += 1;
      if (end === 'rejects') throw new Error('too late');
      return 1;
    });
    const events: string[] = [];
    for (const name of ['job:complete', 'job:failed', 'job:retry', 'error'] as const)
      task.on(name, () => events.push(name));
    const running = task.start();
    await b.clock.advance(100);
    await b.run(b.hub.close());
    expect(await running).toMatchObject({ completed: 0, failed: 0 });
    await b.clock.advance(120_000);
    // A real turn: Node tells of rejections that nobody handles after it.
    await new Promise((resolve) => setImmediate(resolve));
    expect([ended, events, unhandled]).toEqual([3, [], []]);
    const { rows } = await b.adapter.readJobs(task.id, { limit: 10 }).catch(async () => {
      const again = b.another();
      await b.run(again.listTasks());
      return b.adapter.readJobs(task.id, { limit: 10 });
    });
    expect(rows.map(({ status, attempts }) => [status, attempts])).toEqual(Array(3).fill(['pending', 0]));
  });
}
