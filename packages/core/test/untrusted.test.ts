// Inputs, errors and headers from outside are hostile: what SECURITY.md promises.
import { describe, expect, test } from 'vitest';
import type { TaskConfig, TaskSourceLike } from '../src/types.js';
import { bench, listSource, refusal, takes } from './fixtures.js';

async function runOver(
  inputs: readonly unknown[],
  handler: TaskSourceLike<unknown, unknown>['handler'],
  rest: Partial<TaskSourceLike<unknown, unknown>> & TaskConfig & { name?: string } = {},
) {
  const b = bench();
  const { name = 'task', getJobId, ...config } = rest;
  const source = listSource(inputs, { handler, ...(getJobId && { getJobId }) });
  const task = await b.run(b.hub.createTask({ name, source, ...config }));
  const summary = await b.run(task.start());
  return { ...b, task, summary, jobs: await b.run(task.getResults()) };
}

describe('untrusted data', () => {
  const POLLUTERS = [
    '{"__proto__":{"polluted":1}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"toString":1}',
  ];
  for (const text of POLLUTERS) {
    test(`${text} goes in and comes back, and reaches no prototype`, async () => {
      const { jobs } = await runOver([JSON.parse(text)], (input) => input);
      expect(jobs.map(({ input, output }) => [JSON.stringify(input), JSON.stringify(output)])).toEqual([
        [text, text],
      ]);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    });
  }

  const IDS = [
    "'; DROP TABLE job; --",
    '../../etc/passwd',
    '__proto__',
    'constructor',
    'a\u0000b',
    '%00',
    '{{7*7}}',
    '',
  ];
  test('names and ids that look like SQL, paths or properties are texts', async () => {
    const ids = IDS.filter((id) => id !== '');
    const getJobId = (input: unknown): string => ids[input as number] ?? '';
    for (const name of ids) {
      const { jobs, hub, run } = await runOver(
        ids.map((_, at) => at),
        (input) => input,
        { name, getJobId },
      );
      expect(jobs.map(({ id }) => id)).toEqual(ids);
      expect((await run(hub.listTasks({ name }))).map((task) => task.name)).toEqual([name]);
    }
  });

  test('an error message of 10 MB is kept cut to 4,096 characters, its stack not at all', async () => {
    const { jobs } = await runOver([1], () => {
      throw Object.assign(new Error('x'.repeat(10_000_000)), {
        name: 'N'.repeat(1e6),
        code: 'C'.repeat(1e6),
      });
    });
    const [job] = jobs;
    expect(job?.error).toHaveLength(4096);
    expect([job?.failure?.name.length, job?.failure?.code?.length]).toEqual([256, 256]);
    expect(JSON.stringify(job?.failure)).not.toContain('untrusted.test');
  });

  const HINTS: [unknown, longest: number][] = [
    ['99999999999999999999', 600_000],
    ['Infinity', 600_000],
    ['-5', 2000],
    ['NaN', 2000],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 600_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 2000],
    ['1e400', 600_000],
    [{}, 2000],
    ['\u0000', 2000],
    ['5'.repeat(1e6), 600_000],
  ];
  for (const [value, longest] of HINTS) {
    test(`Retry-After: ${String(value).slice(0, 30)} delays a run by ${longest / 1000} s at most`, async () => {
      let calls = 0;
      const { summary } = await runOver([1], () => {
        calls += 1;
        if (calls > 1) return 1;
        throw Object.assign(new Error('slow down'), { status: 429, headers: { 'retry-after': value } });
      });
      expect(summary).toMatchObject({ status: 'completed' });
      expect(summary.elapsed).toBeLessThanOrEqual(longest);
    });
  }

  test('a server that refuses for ever is bounded by maxThrottles', async () => {
    const { summary } = await runOver([1], () => Promise.reject(refusal()), { retry: { maxThrottles: 5 } });
    expect(summary).toMatchObject({ status: 'failed', failed: 1 });
  });

  test('handlers that reject after close() reject nobody', async () => {
    const b = bench();
    const rejected: unknown[] = [];
    const note = (reason: unknown): void => void rejected.push(reason);
    process.on('unhandledRejection', note);
    const handler = async (input: unknown): Promise<never> => {
      await takes(b.clock, 60_000)(input, { signal: new AbortController().signal } as never);
      throw new Error('too late');
    };
    const source = listSource([1, 2, 3], { handler });
    const task = await b.run(b.hub.createTask({ name: 'task', source, stopGrace: 100 }));
    const started = task.start();
    await b.clock.advance(1000);
    await b.run(b.hub.close());
    expect(await b.run(started)).toMatchObject({ status: 'paused' });
    await b.clock.advance(120_000);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(rejected).toEqual([]);
    expect(b.clock.pending).toBe(0);
  });

  test('1,000 runs of one task leave no listener and no timer behind', async () => {
    const b = bench();
    const added = new Set<unknown>();
    const handler = (_input: unknown, { signal }: { signal: AbortSignal }): never => {
      added.add(signal);
      throw new Error('no');
    };
    const source = listSource([1], { handler });
    const task = await b.run(b.hub.createTask({ name: 'task', source, retry: { maxAttempts: 1 } }));
    for (let run = 0; run < 1000; run += 1) {
      await b.run(task.start());
      await b.run(task.retryFailed());
    }
    expect(added.size).toBe(1000);
    expect(b.clock.pending).toBe(0);
  });
});
