import { describe, expect, test } from 'vitest';
import type { TaskProgress } from '../src/types.js';
import { bench, brokenPipe, heard, sleep, takes, taskOf } from './fixtures.js';

describe('events', () => {
  test('order: start, retry, start, complete, completed', async () => {
    const b = bench();
    const task = await taskOf(b, 1, (_, { attempt }) => {
      if (attempt === 1) throw brokenPipe();
    });
    const lines = heard(task);
    await b.run(task.start());
    expect(lines).toEqual(['start 0', 'retry 0 1', 'start 0', 'complete 0', 'completed']);
  });

  test('signatures: job:failed has (job, error), job:retry (job, attempt), the others one argument or none', async () => {
    const b = bench();
    const task = await taskOf(b, 2, (input, { attempt }) => {
      if (input === 0) throw new Error('bad');
      if (attempt === 1) throw brokenPipe();
    });
    const calls: Record<string, unknown[]> = {};
    for (const event of ['job:start', 'job:complete', 'job:failed', 'job:retry', 'completed'] as const)
      task.on(event, (...args: unknown[]) => {
        calls[event] = args;
      });
    await b.run(task.start());
    expect(calls).toEqual({
      'job:start': [expect.objectContaining({ status: 'active' })],
      'job:complete': [expect.objectContaining({ status: 'completed' })],
      'job:failed': [expect.objectContaining({ status: 'failed', error: 'bad' }), new Error('bad')],
      'job:retry': [expect.objectContaining({ status: 'pending' }), 1],
      completed: [],
    });
  });

  test('job:start tells the attempt', async () => {
    const b = bench();
    const task = await taskOf(b, 1, (_, { attempt }) => {
      if (attempt < 3) throw brokenPipe();
    });
    const attempts: number[] = [];
    task.on('job:start', (job) => attempts.push(job.attempts));
    await b.run(task.start());
    expect(attempts).toEqual([1, 2, 3]);
  });

  test('a job tells its ids, times and output', async () => {
    const b = bench();
    const t0 = b.clock.now();
    const task = await taskOf(b, 1, takes(b.clock, 100));
    let seen: unknown;
    task.on('job:complete', (job) => {
      seen = job;
    });
    await b.clock.advance(50);
    await b.run(task.start());
    const [row] = await b.run(task.getResults());
    expect(seen).toEqual(row);
    expect(seen).toMatchObject({
      taskId: task.id,
      index: 0,
      input: 0,
      output: 0,
      createdAt: t0,
      startedAt: t0 + 50,
    });
    expect(seen).toMatchObject({ completedAt: t0 + 150, scheduledAt: undefined });
  });

  test('a terminal event fires after the record is durable', async () => {
    const b = bench();
    const task = await taskOf(b, 20, (input) => {
      if (input % 3 === 0) throw new Error('bad');
    });
    const reads: Promise<void>[] = [];
    const check = (job: { index: number; status: string }): void => {
      const read = b.adapter.readJobs(task.id, { after: job.index, limit: 1 });
      reads.push(read.then(({ rows }) => expect(rows[0]?.status).toBe(job.status)));
    };
    task.on('job:complete', check);
    task.on('job:failed', check);
    await b.run(task.start());
    expect(await Promise.all(reads)).toHaveLength(20);
  });

  test('in a listener of a terminal event the getters count that job', async () => {
    const b = bench();
    const task = await taskOf(b, 3, takes(b.clock, 10), { concurrency: { max: 1 } });
    const seen: number[] = [];
    task.on('job:complete', () => seen.push(task.completedJobs));
    await b.run(task.start());
    expect(seen).toEqual([1, 2, 3]);
  });

  test('in a listener of completed the task has its final status', async () => {
    const b = bench();
    const task = await taskOf(b, 2, () => 1);
    let status: string | undefined;
    task.on('completed', () => {
      status = task.status;
    });
    await b.run(task.start());
    expect(status).toBe('completed');
  });

  test('a terminal event fires once per job, and never again for jobs settled before a restart', async () => {
    const b = bench();
    const task = await taskOf(b, 6, takes(b.clock, 100), { concurrency: { max: 2 } });
    void task.start();
    await b.clock.advance(250);
    await b.run(b.hub.close());
    const again = await taskOf({ ...b, hub: b.another() }, 6, takes(b.clock, 100));
    const lines = heard(again);
    await b.run(again.start());
    expect(lines.filter((line) => line.startsWith('complete '))).toEqual(['complete 4', 'complete 5']);
  });

  test('completed fires also when the status is then failed', async () => {
    const b = bench();
    const task = await taskOf(b, 2, () => Promise.reject(new Error('bad')));
    const lines = heard(task);
    await b.run(task.start());
    expect([task.status, lines.at(-1)]).toEqual(['failed', 'completed']);
  });

  test('completed does not fire for a stopped run', async () => {
    const b = bench();
    const task = await taskOf(b, 2, takes(b.clock, 100));
    const lines = heard(task);
    void task.start();
    await b.clock.advance(10);
    await b.run(task.stop());
    expect(lines).not.toContain('completed');
  });
});

describe('progress', () => {
  test('comes at once on start', async () => {
    const b = bench();
    const task = await taskOf(b, 3, takes(b.clock, 10_000));
    const seen: TaskProgress[] = [];
    task.on('progress', (progress) => seen.push(progress));
    void task.start();
    await b.clock.advance(0);
    expect(seen[0]).toEqual({
      taskId: task.id,
      total: 3,
      completed: 0,
      failed: 0,
      pending: 3,
      active: 0,
      concurrency: 5,
      elapsed: 0,
      estimatedRemaining: null,
      ingesting: false,
      duplicates: 0,
    });
  });

  test('comes at most every 200 ms while something changes', async () => {
    const b = bench();
    const task = await taskOf(b, 3000, takes(b.clock, 7), { concurrency: { max: 5 } });
    const times: number[] = [];
    task.on('progress', () => times.push(b.clock.monotonic()));
    await b.run(task.start());
    const gaps = times.slice(1, -1).map((time, at) => time - (times[at] ?? 0));
    expect(times.length).toBeGreaterThan(2);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(200);
  });

  test('progressInterval moves that', async () => {
    const b = bench();
    const task = await taskOf(b, 50, takes(b.clock, 100), { progressInterval: 0, concurrency: { max: 1 } });
    let calls = 0;
    task.on('progress', () => {
      calls += 1;
    });
    await b.run(task.start());
    expect(calls).toBeGreaterThanOrEqual(51);
  });

  test('does not come while nothing changes', async () => {
    const b = bench();
    const task = await taskOf(b, 1, takes(b.clock, 25_000));
    let calls = 0;
    task.on('progress', () => {
      calls += 1;
    });
    void task.start();
    await b.clock.advance(1000);
    const before = calls;
    await b.clock.advance(20_000);
    // The lease is renewed meanwhile, which may tell the same numbers again.
    expect(calls - before).toBeLessThanOrEqual(2);
  });

  test('a last one with the final numbers comes before completed', async () => {
    const b = bench();
    const task = await taskOf(b, 7, takes(b.clock, 30));
    const lines: string[] = [];
    task.on('progress', ({ completed, pending, active }) => lines.push(`${completed} ${pending} ${active}`));
    task.on('completed', () => lines.push('completed'));
    await b.run(task.start());
    expect(lines.slice(-2)).toEqual(['7 0 0', 'completed']);
  });

  test('a last one comes for a stopped run', async () => {
    const b = bench();
    const task = await taskOf(b, 7, takes(b.clock, 1000), { concurrency: { max: 2 } });
    const seen: TaskProgress[] = [];
    task.on('progress', (progress) => seen.push(progress));
    void task.start();
    await b.clock.advance(1001);
    await b.run(task.stop());
    expect(seen.at(-1)).toMatchObject({ completed: 2, pending: 5, active: 0 });
  });

  test('none comes after the end', async () => {
    const b = bench();
    const task = await taskOf(b, 7, takes(b.clock, 30));
    await b.run(task.start());
    let calls = 0;
    task.on('progress', () => {
      calls += 1;
    });
    await b.clock.advance(10_000);
    expect(calls).toBe(0);
  });

  test('the numbers always add up', async () => {
    const b = bench();
    const task = await taskOf(
      b,
      60,
      async (input, { attempt }) => {
        await sleep(b.clock, 20 + (input % 5) * 30);
        if (input % 4 === 0 && attempt === 1) throw brokenPipe();
        if (input % 7 === 0) throw new Error('bad');
      },
      { progressInterval: 0 },
    );
    task.on('progress', (p) => {
      expect(p.pending + p.active + p.completed + p.failed).toBe(p.total);
      expect(p.active).toBeLessThanOrEqual(50);
    });
    expect((await b.run(task.start())).errors).toEqual([]);
  });

  test('getProgress: tells the same as the getters while running', async () => {
    const b = bench();
    const task = await taskOf(b, 9, takes(b.clock, 100), { concurrency: { max: 3 } });
    void task.start();
    await b.clock.advance(150);
    expect(await task.getProgress()).toMatchObject({
      total: 9,
      completed: 3,
      active: 3,
      pending: 3,
      elapsed: 150,
    });
    expect([task.totalJobs, task.completedJobs]).toEqual([9, 3]);
  });

  test('getProgress: asks the store where the task does not run in this process', async () => {
    const b = bench();
    const task = await taskOf(b, 9, takes(b.clock, 100), { concurrency: { max: 3 } });
    const watcher = await b.run(b.another().getTask(task.id));
    void task.start();
    await b.clock.advance(150);
    expect(await watcher?.getProgress()).toMatchObject({ total: 9, completed: 3, active: 3, pending: 3 });
  });

  test('elapsed: begins anew with every start', async () => {
    const b = bench();
    const task = await taskOf(b, 4, takes(b.clock, 1000), { concurrency: { max: 1 } });
    void task.start();
    await b.clock.advance(1500);
    await b.run(task.stop());
    await b.clock.advance(60_000);
    expect((await b.run(task.start())).elapsed).toBe(3000);
  });
});

describe('estimatedRemaining', () => {
  /** The worst ratio of what was said to what came, and how often something was said. */
  async function worst(count: number, latency: (input: number) => number, max: number, before = 0) {
    const b = bench();
    const task = await taskOf(b, count, async (input) => sleep(b.clock, latency(input)), {
      concurrency: { max, initial: max },
    });
    if (before > 0) {
      void task.start();
      await b.clock.advance(before);
      await b.run(task.stop());
      await b.clock.advance(3_600_000);
    }
    const said: { at: number; remaining: number }[] = [];
    task.on('progress', ({ estimatedRemaining }) => {
      if (estimatedRemaining !== null) said.push({ at: b.clock.monotonic(), remaining: estimatedRemaining });
    });
    await b.run(task.start());
    const end = b.clock.monotonic();
    // At first and near the end a job more or less is the error.
    const start = said[0]?.at ?? 0;
    const judged = said.filter(({ at }) => end - at > 4000 && at - start > 2000);
    const ratios = judged.map(({ at, remaining }) => remaining / (end - at));
    return { least: Math.min(...ratios), most: Math.max(...ratios), count: ratios.length };
  }

  const CASES: [string, number, (input: number) => number, number][] = [
    ['quick jobs, one at a time', 2000, () => 20, 1],
    ['jobs that all take the same', 1000, () => 200, 10],
    ['jobs of 1 s in step', 300, () => 1000, 10],
    ['jobs that differ', 1000, (input) => 100 + ((input * 7919) % 200), 10],
    ['jobs that end in bursts', 300, (input) => 1000 + (input % 10), 10],
    ['slow jobs', 40, () => 5000, 2],
  ];
  for (const [name, count, latency, max] of CASES) {
    test(`is within 20 % of the truth at a steady rate: ${name}`, async () => {
      const { least, most, count: said } = await worst(count, latency, max);
      expect(said).toBeGreaterThan(5);
      expect(least).toBeGreaterThan(0.8);
      expect(most).toBeLessThan(1.2);
    });

    test(`is within 20 % of the truth after a resume: ${name}`, async () => {
      const { least, most, count: said } = await worst(count, latency, max, 11_000);
      expect(said).toBeGreaterThan(5);
      expect(least).toBeGreaterThan(0.8);
      expect(most).toBeLessThan(1.2);
    });
  }

  test('is null until there is a rate', async () => {
    const b = bench();
    const task = await taskOf(b, 9, takes(b.clock, 1000));
    void task.start();
    await b.clock.advance(500);
    expect((await task.getProgress()).estimatedRemaining).toBeNull();
  });

  test('is 0 at the end', async () => {
    const b = bench();
    const task = await taskOf(b, 9, takes(b.clock, 1000));
    let last: number | null = null;
    task.on('progress', ({ estimatedRemaining }) => {
      last = estimatedRemaining;
    });
    await b.run(task.start());
    expect(last).toBe(0);
  });

  test('sinks between two settled jobs too', async () => {
    const b = bench();
    const task = await taskOf(b, 20, takes(b.clock, 10_000), { concurrency: { max: 1 } });
    void task.start();
    await b.clock.advance(50_000);
    const before = (await task.getProgress()).estimatedRemaining ?? 0;
    await b.clock.advance(5000);
    expect((await task.getProgress()).estimatedRemaining).toBe(before - 5000);
  });
});
