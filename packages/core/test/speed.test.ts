// What `task.speed` says: every mode of both controllers against a simulated server, in virtual time.
import { describe, expect, test } from 'vitest';
import { duration, perSecond } from '../src/limit/words.js';
import type { ServerModel } from '../src/testing/laboratory/scenario.js';
import { SimulatedServer } from '../src/testing/laboratory/servers.js';
import { callServer } from '../src/testing/laboratory/simulated-fetch.js';
import type { Speed, TaskConfig } from '../src/types.js';
import { bench, brokenPipe, deaf, Feed, streamSource, takes, taskOf } from './fixtures.js';

const latency = { dist: 'const', value: 200 } as const;

/** A batch of 5,000 jobs against a server that takes 200 ms per call. */
async function against(model: Partial<ServerModel>, config: TaskConfig = {}) {
  const b = bench();
  const server = new SimulatedServer({ rejectMs: 25, latency, ...model }, b.clock, 1);
  const task = await taskOf(b, 5000, (_, ctx) => callServer(server, 1, ctx), config);
  return { ...b, task };
}

/** What it says every 100 ms during the first `seconds` of the run. */
async function said(model: Partial<ServerModel>, seconds: number, config: TaskConfig = {}): Promise<Speed[]> {
  const { task, clock } = await against(model, config);
  void task.start();
  const speeds: Speed[] = [];
  for (let i = 0; i < 10 * seconds; i++) {
    await clock.advance(100);
    speeds.push(task.speed);
  }
  return speeds;
}

const aimd = { concurrency: { algorithm: 'aimd' } } as const;
const MODES: [
  mode: string,
  model: Partial<ServerModel>,
  seconds: number,
  config: TaskConfig,
  words: RegExp,
][] = [
  ['starting', {}, 1, {}, /^starting at 5: no answer yet$/],
  ['growing', {}, 2, {}, /^growing from [67]: nothing was refused yet$/],
  ['at the maximum', {}, 5, { concurrency: { max: 8 } }, /^at the maximum of 8: nothing was refused yet$/],
  [
    'returning to what was fine',
    { cap: 20 },
    30,
    {},
    /^returning from \d+ to 20: refused at 21, [\d.]+ s ago$/,
  ],
  ['holding', { cap: 20 }, 30, {}, /^holding at 20: refused at 21, [\d.]+ s ago; next probe in [\d.]+ s$/],
  ['probing a level', { cap: 20 }, 60, {}, /^probing 21: refused at 21, [\d.]+ s ago$/],
  [
    'paced',
    { limits: [{ kind: 'bucket', rate: 40, burst: 20 }] },
    60,
    {},
    /^paced at (3[5-9]|4\d)(\.\d)? calls\/s; last refused [\d.]+ s ago; next probe in [\d.]+ s$/,
  ],
  [
    'probing a pace',
    { limits: [{ kind: 'bucket', rate: 40, burst: 20 }] },
    60,
    {},
    /^probing: 4\d(\.\d)? calls\/s from (3[89]|40)(\.\d)?; last refused [\d.]+ s ago$/,
  ],
  [
    'blocked by a hint',
    { limits: [{ kind: 'fixed', limit: 100, window: 30_000 }], retryAfter: 's' },
    20,
    {},
    /^waiting: the service asked for it, 1\d s more$/,
  ],
  [
    'shut: nothing gets through',
    { limits: [{ kind: 'fixed', limit: 100, window: 30_000 }] },
    20,
    {},
    /^blocked: nothing has got through for [\d.]+ s; one call looks in [\d.]+ s$/,
  ],
  [
    'shut: a call looks',
    { limits: [{ kind: 'fixed', limit: 100, window: 30_000 }] },
    20,
    {},
    /^blocked: nothing has got through for [\d.]+ s; one call looks whether it is over$/,
  ],
  [
    'a window that is used up',
    { limits: [{ kind: 'fixed', limit: 100, window: 10_000 }] },
    90,
    {},
    /^waiting: 100 calls per window of about (9\.\d|10|11) s are used up; single calls look until it ends in about/,
  ],
  [
    'slow',
    { share: { knee: 10, alpha: 0.1 } },
    30,
    {},
    /^holding at \d+: more at once made it slow \(0\.2 s per call when it is not loaded\); tries more in [\d.]+ s$/,
  ],
  [
    'a quota that answers tell',
    { limits: [{ kind: 'fixed', limit: 100, window: 30_000 }], headers: true },
    20,
    {},
    /^waiting: the quota that the answers tell is used up, and resets in 1\d s$/,
  ],
  [
    'AIMD: growing',
    {},
    2,
    aimd,
    /^growing from 6: nothing was refused yet; 1 more after 10 successes in a row, \d so far$/,
  ],
  [
    'AIMD: after a refusal',
    { cap: 8 },
    5,
    aimd,
    /^growing from [4-8]: the last decrease was [\d.]+ s ago; 1 more after/,
  ],
  [
    'AIMD: at the maximum',
    {},
    5,
    { concurrency: { algorithm: 'aimd', max: 7 } },
    /^at the maximum of 7: nothing was refused yet$/,
  ],
  [
    'AIMD: blocked by a hint',
    { limits: [{ kind: 'fixed', limit: 100, window: 30_000 }], retryAfter: 's' },
    20,
    aimd,
    /^waiting: the service asked for it, 1\d s more$/,
  ],
];

describe('speed.reason', () => {
  for (const [mode, model, seconds, config, words] of MODES) {
    test(`${mode}: is told with its numbers`, async () => {
      const reasons = (await said(model, seconds, config)).map(({ reason }) => reason);
      expect(reasons).toContainEqual(expect.stringMatching(words));
    });
  }

  test('not running: before the start and after the end', async () => {
    const b = bench();
    const task = await taskOf(b, 20, takes(b.clock, 100));
    expect(task.speed).toEqual({ reason: 'not running here: idle', limit: 5, pace: null, samples: [] });
    await b.run(task.start());
    expect(task.speed.reason).toBe('not running here: completed');
    expect(task.speed.samples.length).toBeGreaterThan(0);
  });

  test('paused: says how many jobs still run', async () => {
    const b = bench();
    const task = await taskOf(b, 50, takes(b.clock, 100));
    void task.start();
    await b.clock.advance(50);
    task.pause();
    expect(task.speed).toMatchObject({ reason: 'paused: 5 jobs still run', pace: null });
  });

  test('ending: says how many jobs still run', async () => {
    const b = bench();
    const task = await taskOf(b, 50, deaf(b.clock, 100));
    void task.start();
    await b.clock.advance(50);
    void task.stop();
    expect(task.speed).toMatchObject({ reason: 'ending: 5 jobs still run', pace: null });
  });

  test('jobs that wait for another attempt: says how many, and how long', async () => {
    const b = bench();
    const task = await taskOf(b, 3, () => Promise.reject(brokenPipe()), {
      retry: { baseDelay: 8000, jitter: 0 },
    });
    void task.start();
    await b.clock.advance(1000);
    expect(task.speed.reason).toBe('waiting: 3 jobs are to be tried again, the first in 7 s');
  });

  test('nothing left to start: says so', async () => {
    const b = bench();
    const task = await taskOf(b, 3, takes(b.clock, 1000));
    void task.start();
    await b.clock.advance(500);
    expect(task.speed.reason).toBe('at the end: 3 jobs are left, and they run');
  });

  test('a source that has nothing yet: says so', async () => {
    const b = bench();
    const task = await b.run(
      b.hub.createTask({ name: 'slow source', source: streamSource(() => new Feed<number>()) }),
    );
    void task.start();
    await b.clock.advance(500);
    expect(task.speed.reason).toBe('waiting for inputs from the source');
    await b.run(task.stop());
  });
});

describe('speed', () => {
  test('limit is currentConcurrency; pace is in jobs per second, and null while it is not paced', async () => {
    const { task, clock } = await against({ limits: [{ kind: 'bucket', rate: 40, burst: 20 }] });
    void task.start();
    await clock.advance(500);
    expect(task.speed).toMatchObject({ limit: task.currentConcurrency, pace: null });
    await clock.advance(60_000);
    const { pace, limit } = task.speed;
    expect(limit).toBe(task.currentConcurrency);
    expect(pace).toBeGreaterThan(35);
    expect(pace).toBeLessThan(45);
  });

  test('rate: is absent at first, then the jobs settled per second', async () => {
    const { task, clock } = await against({ cap: 20 });
    void task.start();
    await clock.advance(100);
    expect('rate' in task.speed).toBe(false);
    await clock.advance(30_000);
    expect(task.speed.rate).toBeGreaterThan(90);
    expect(task.speed.rate).toBeLessThan(101);
  });

  test('rate: falls while nothing is settled', async () => {
    const { task, clock } = await against({ cap: 20, schedule: [{ at: 20_000, factor: 0 }] });
    void task.start();
    await clock.advance(20_000);
    const { rate = 0 } = task.speed;
    await clock.advance(20_000);
    expect(task.speed.rate).toBeLessThan(rate / 2);
  });
});

describe('speed.samples', () => {
  test('one per second at first: times, rates and refusals that add up to the run', async () => {
    const { task, clock } = await against({ cap: 20 });
    void task.start();
    await clock.advance(30_500);
    const { samples } = task.speed;
    expect(samples.length).toBeGreaterThan(25);
    expect(samples.length).toBeLessThanOrEqual(31);
    const settled = samples.reduce(
      (sum, { time, rate }, i) => sum + (rate * (time - (samples[i - 1]?.time ?? 0))) / 1000,
      0,
    );
    expect(Math.abs(settled - task.completedJobs)).toBeLessThan(120);
    expect(samples.reduce((sum, { refusals }) => sum + refusals, 0)).toBeGreaterThan(0);
    expect(samples.every(({ inFlight, limit }) => inFlight >= 0 && limit >= 1 && limit <= 50)).toBe(true);
  });

  test('a long run keeps at most 240, which cover it from its begin to its end', async () => {
    const b = bench();
    const task = await taskOf(b, 2000, takes(b.clock, 1000), { concurrency: { max: 1 } });
    await b.run(task.start());
    const { samples } = task.speed;
    expect(samples.length).toBeLessThanOrEqual(240);
    expect(samples.length).toBeGreaterThan(100);
    expect(samples[0]?.time).toBeLessThan(20_000);
    expect(samples.at(-1)?.time).toBe(2_000_000);
    expect(samples.every(({ rate }, i) => i === 0 || Math.abs(rate - 1) < 0.2)).toBe(true);
  });

  test('begins anew with the next run, and pauses do not count', async () => {
    const b = bench();
    const task = await taskOf(b, 40, takes(b.clock, 1000), { concurrency: { max: 1 } });
    void task.start();
    await b.clock.advance(10_000);
    task.pause();
    await b.clock.advance(100_000);
    void task.resume();
    await b.clock.advance(10_000);
    expect(task.speed.samples.at(-1)?.time).toBeLessThanOrEqual(21_000);
    await b.run(task.stop());
    void task.start();
    await b.clock.advance(2000);
    expect(task.speed.samples.at(-1)?.time).toBeLessThanOrEqual(2000);
    await b.run(task.stop());
  });

  test('are copies', async () => {
    const b = bench();
    const task = await taskOf(b, 10, takes(b.clock, 1000));
    await b.run(task.start());
    const [first] = task.speed.samples;
    Object.assign(first as object, { time: -1 });
    expect(task.speed.samples[0]?.time).toBe(0);
  });
});

test('words: durations and rates are said shortly', () => {
  expect([0, 400, 9940, 41_000, 119_000, 180_000, 7_200_000, -5].map(duration)).toEqual([
    '0 s',
    '0.4 s',
    '9.9 s',
    '41 s',
    '119 s',
    '3 min',
    '2 h',
    '0 s',
  ]);
  expect([0.098, 0.0123456, 0.0004].map(perSecond)).toEqual([
    '98 calls/s',
    '12.3 calls/s',
    '1 call every 2.5 s',
  ]);
});
