import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../src/testing/virtual-clock.js';

const after = (clock: VirtualClock, ms: number): Promise<void> =>
  new Promise((resolve) => clock.setTimeout(resolve, ms));

describe('VirtualClock', () => {
  test('time: begins at the given wall time and at 0, and stands still by itself', async () => {
    const clock = new VirtualClock(5_000);
    await new Promise((resolve) => setTimeout(resolve, 2));
    expect([clock.now(), clock.monotonic()]).toEqual([5_000, 0]);
  });

  test('timers: fire by time, then in the order in which they were set', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    for (const [name, ms] of [
      ['c', 20],
      ['a', 10],
      ['b', 10],
      ['now', 0],
      ['negative', -5],
      ['nan', NaN],
    ] as const)
      clock.setTimeout(() => seen.push(`${name} ${clock.monotonic()}`), ms);
    await clock.run();
    expect(seen).toEqual(['now 0', 'negative 0', 'nan 0', 'a 10', 'b 10', 'c 20']);
  });

  test('timers: promise reactions of one timer run before the next timer of the same instant', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const chain = async (name: string): Promise<void> => {
      await after(clock, 10);
      for (let i = 0; i < 50; i++) await null;
      seen.push(name);
    };
    void chain('first');
    clock.setTimeout(() => seen.push('second'), 10);
    await clock.run();
    expect(seen).toEqual(['first', 'second']);
  });

  test('timers: a cleared one does not fire, whether far, near, endless, fired or cleared before', async () => {
    const clock = new VirtualClock();
    let fired = 0;
    const timers = [1, 5, 2 ** 40, Infinity].map((ms) => clock.setTimeout(() => fired++, ms));
    await clock.advance(1);
    for (const timer of [...timers, ...timers, undefined]) clock.clearTimeout(timer);
    expect(clock.pending).toBe(0);
    await clock.run();
    expect([fired, clock.monotonic()]).toEqual([1, 1]);
  });

  test('timers: thousands of cleared ones are dropped and the others keep their order', async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    const times = Array.from({ length: 5_000 }, (_, i) => (i * 7919) % 5_000);
    const timers = times.map((ms) => clock.setTimeout(() => seen.push(ms), ms));
    timers.forEach((timer, i) => {
      if ((times[i] ?? 0) % 10 !== 0) clock.clearTimeout(timer);
    });
    expect(clock.pending).toBe(500);
    await clock.run();
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => i * 10));
  });

  test('turn: runs after all work of its instant, together, and those set by one run in the next turn', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    clock.setTimeout(() => {
      clock.turn(() => {
        seen.push('turn 1');
        clock.turn(() => seen.push('turn 3'));
        void Promise.resolve().then(() => seen.push('reaction'));
      });
      clock.turn(() => seen.push('turn 2'));
      void Promise.resolve().then(() => seen.push('microtask'));
    }, 10);
    clock.setTimeout(() => seen.push('timer'), 10);
    clock.setTimeout(() => seen.push('later'), 11);
    await clock.run();
    expect(seen).toEqual(['microtask', 'timer', 'turn 1', 'turn 2', 'reaction', 'turn 3', 'later']);
  });

  test('run: gives the value of the promise, and the time it took', async () => {
    const clock = new VirtualClock();
    const work = async (): Promise<string> => {
      await after(clock, 3_600_000);
      await after(clock, 0.5);
      return 'done';
    };
    expect(await clock.run(work())).toBe('done');
    expect(clock.monotonic()).toBe(3_600_000.5);
  });

  test('run: throws what the promise throws', async () => {
    const clock = new VirtualClock();
    const fail = async (): Promise<void> => {
      await after(clock, 1);
      throw new Error('no');
    };
    await expect(clock.run(fail())).rejects.toThrow('no');
  });

  test('run: ends as soon as the condition is true', async () => {
    const clock = new VirtualClock();
    let ticks = 0;
    const tick = (): void => {
      ticks++;
      clock.setTimeout(tick, 10);
    };
    tick();
    await clock.run(() => ticks === 5);
    expect(clock.monotonic()).toBe(40);
  });

  test('run: a promise that nothing will settle is reported, not waited for', async () => {
    const clock = new VirtualClock();
    clock.setTimeout(() => {}, 70);
    await expect(clock.run(new Promise(() => {}))).rejects.toThrow('nothing left to do at 70 ms');
    await expect(clock.run(() => false)).rejects.toThrow('nothing left to do');
  });

  test('run: work of a thread that ends within a tenth of a second is no deadlock', async () => {
    const clock = new VirtualClock();
    const digest = await clock.run(crypto.subtle.digest('SHA-256', new Uint8Array(1_000)));
    expect(digest.byteLength).toBe(32);
  });

  test('run: cannot be nested', async () => {
    const clock = new VirtualClock();
    const first = clock.advance(5);
    await expect(clock.run()).rejects.toThrow('driven already');
    await first;
  });

  test('advance: runs what is due up to and at the end, leaves the rest, and moves on by that much', async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    for (const ms of [5, 10, 11]) clock.setTimeout(() => seen.push(ms), ms);
    await clock.advance(10);
    expect([seen, clock.monotonic()]).toEqual([[5, 10], 10]);
    await clock.advance(0.5);
    expect([seen, clock.monotonic()]).toEqual([[5, 10], 10.5]);
    await clock.advance(100);
    expect([seen, clock.monotonic()]).toEqual([[5, 10, 11], 110.5]);
  });
});
