import { describe, expect, test } from 'vitest';
import { isTaskHubError } from '../src/errors.js';
import type { HaltConfig } from '../src/types.js';
import { bench, heard, refusal, sleep, statuses, taskOf } from './fixtures.js';

async function halting(halt: HaltConfig, handler: (input: number) => unknown, count = 10) {
  const b = bench();
  const task = await taskOf(
    b,
    count,
    async (input) => {
      await sleep(b.clock, 10);
      return handler(input);
    },
    { halt, concurrency: { max: 1 } },
  );
  const lines = heard(task);
  const summary = await b.run(task.start());
  return { ...b, task, lines, summary };
}
const fails = (): never => {
  throw new Error('bad');
};

describe('halt', () => {
  test('failures: so many jobs that failed for good end the run as failed', async () => {
    const { summary, task } = await halting({ failures: 3 }, fails);
    expect(summary).toMatchObject({ status: 'failed', failed: 3, halted: { code: 'HALTED' } });
    expect(task.status).toBe('failed');
  });

  test('pending jobs stay pending', async () => {
    const b = await halting({ failures: 2 }, fails, 4);
    expect(await statuses(b, b.task)).toEqual(['failed', 'failed', 'pending', 'pending']);
  });

  test('completed does not fire for a halted run, the last progress does', async () => {
    const { lines } = await halting({ failures: 2 }, fails);
    expect(lines).not.toContain('completed');
  });

  test('completed does not fire either when the last job of all halts it', async () => {
    const { lines, summary } = await halting({ failures: 2 }, fails, 2);
    expect(summary.halted).toBeDefined();
    expect(lines).not.toContain('completed');
  });

  test('start() after a halt on the very last job ends the task by what its jobs came to', async () => {
    const { summary, task, run, lines } = await halting(
      { failures: 1 },
      (input) => (input === 2 ? fails() : input),
      3,
    );
    expect(summary).toMatchObject({ status: 'failed', completed: 2, failed: 1 });
    expect(await run(task.start())).toMatchObject({ status: 'completed', completed: 2, failed: 1, ran: 0 });
    expect(lines.at(-1)).toBe('completed');
  });

  test('the status is stored', async () => {
    const { hub, run } = await halting({ failures: 2 }, fails);
    expect((await run(hub.listTasks()))[0]?.status).toBe('failed');
  });

  test('failureRate: counts the last `of` settled jobs', async () => {
    const { summary } = await halting({ failureRate: { rate: 0.5, of: 4 } }, (input) =>
      input >= 4 ? fails() : input,
    );
    // 0–3 complete, 4 and 5 fail: two of the last four.
    expect(summary).toMatchObject({ completed: 4, failed: 2, halted: { code: 'HALTED' } });
    expect(summary.halted?.message).toContain('50 % of the last 4 jobs failed (halt.failureRate)');
    expect(summary.halted?.details).toEqual({ rate: 0.5, of: 4, share: 0.5 });
  });

  test('failureRate: forgets what was before those', async () => {
    const { summary } = await halting({ failureRate: { rate: 0.5, of: 4 } }, (input) =>
      input % 5 === 0 ? fails() : input,
    );
    expect(summary).toMatchObject({ status: 'completed', completed: 8, failed: 2 });
  });

  test('failureRate: says nothing before there are so many', async () => {
    const { summary } = await halting({ failureRate: { rate: 0.1, of: 20 } }, fails);
    expect(summary).toMatchObject({ failed: 10 });
    expect(summary.halted).toBeUndefined();
  });

  test('firstFailures: a run whose first jobs all failed ends', async () => {
    const { summary } = await halting({ firstFailures: 3 }, fails);
    expect(summary).toMatchObject({ status: 'failed', failed: 3, halted: { code: 'HALTED' } });
  });

  test('firstFailures: one that completes among them is enough to go on', async () => {
    const { summary } = await halting({ firstFailures: 3 }, (input) => (input === 2 ? input : fails()));
    expect(summary).toMatchObject({ status: 'completed', completed: 1, failed: 9 });
    expect(summary.halted).toBeUndefined();
  });

  test('when: is asked of an output that cannot be stored', async () => {
    const when = (error: unknown): boolean => isTaskHubError(error, 'OUTPUT_NOT_SERIALIZABLE');
    const b = await halting({ when }, (input) => (input === 1 ? 1n : input));
    expect(b.summary).toMatchObject({
      status: 'failed',
      completed: 1,
      failed: 0,
      halted: { code: 'HALTED' },
    });
    expect(b.summary.halted?.cause).toMatchObject({ code: 'OUTPUT_NOT_SERIALIZABLE' });
    expect((await b.run(b.task.getResults()))[1]).toMatchObject({ status: 'pending', attempts: 0 });
  });

  test('when: the run ends at once, and the job that met it stays pending with its attempt', async () => {
    const when = (error: unknown): boolean => (error as Error).message === 'bad key';
    const b = await halting({ when }, (input) => {
      if (input === 2) throw new Error('bad key');
      return input;
    });
    expect(b.summary).toMatchObject({
      status: 'failed',
      completed: 2,
      failed: 0,
      halted: { code: 'HALTED' },
    });
    expect(b.summary.halted?.message).toContain('bad key');
    expect((await b.run(b.task.getResults()))[2]).toMatchObject({ status: 'pending', attempts: 0 });
    expect(b.lines.filter((line) => line.startsWith('failed'))).toEqual([]);
  });

  test('when: is asked before the rules for refusals', async () => {
    const { summary } = await halting({ when: () => true }, () => {
      throw refusal();
    });
    expect(summary.halted).toBeDefined();
  });

  test('when: is not asked for what is no error', async () => {
    const { summary } = await halting({ when: () => true }, (input) => input);
    expect(summary).toMatchObject({ status: 'completed', completed: 10 });
  });

  test('a halted task can be started again', async () => {
    const { task, run } = await halting({ failures: 2 }, (input) => (input < 2 ? fails() : input));
    expect(await run(task.start())).toMatchObject({ status: 'completed', completed: 8, failed: 2 });
  });

  test('failures of an earlier run do not count', async () => {
    const { task, run } = await halting({ failures: 2 }, (input) => (input < 3 ? fails() : input));
    expect(await run(task.start())).toMatchObject({ status: 'completed', completed: 7, failed: 3 });
  });

  test('by default nothing halts', async () => {
    const { summary } = await halting({}, fails);
    expect(summary).toMatchObject({ failed: 10 });
    expect(summary.halted).toBeUndefined();
  });
});
