import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AimdState, aimd } from '../src/limit/aimd.js';
import type { Feedback, LimitConfig } from '../src/limit/controller.js';

const config: LimitConfig = {
  min: 1,
  max: 50,
  initial: 5,
  additiveIncrease: 1,
  multiplicativeDecrease: 0.5,
  successThreshold: 10,
  timeout: 30_000,
};

const fresh = (changes: Partial<LimitConfig> = {}): AimdState => aimd.start({ ...config, ...changes }, 0);

/** A call that uses the whole limit. */
const ok = (sentAt: number, level = 50): Feedback => ({ kind: 'ok', sentAt, level, inFlight: level - 1 });
const refused = (sentAt: number, hint?: number): Feedback => ({
  kind: 'refused',
  sentAt,
  level: 5,
  inFlight: 4,
  hint,
});

function after(state: AimdState, now: number, ...feedback: Feedback[]): AimdState {
  return feedback.reduce((s, f) => aimd.received(s, config, f, now), state);
}

describe('aimd', () => {
  test('start: the initial limit, at once', () => {
    expect([4, 5].map((inFlight) => aimd.admit(fresh(), config, inFlight, 0))).toEqual([0, Infinity]);
    expect(aimd.concurrency(fresh(), config, 0)).toBe(5);
  });

  test('successes: +1 after 10 in a row, not above max', () => {
    const ten = (s: AimdState, at: number): AimdState =>
      after(s, at, ...Array.from({ length: 10 }, () => ok(at)));
    expect(after(fresh(), 1, ...Array.from({ length: 9 }, () => ok(0))).limit).toBe(5);
    expect(ten(fresh(), 1).limit).toBe(6);
    let state = fresh();
    for (let i = 0; i < 100; i++) state = ten(state, i);
    expect(state.limit).toBe(50);
  });

  test('successes: 30 jobs that succeed end at 8', () => {
    let state = fresh();
    let now = 0;
    let left = 30;
    let calls: number[] = [];
    while (left > 0 || calls.length > 0) {
      while (left > 0 && aimd.admit(state, config, calls.length, now) === 0) {
        state = aimd.sent(state, config, now);
        calls.push(calls.length + 1);
        left--;
      }
      now += 100;
      const [level = 0, ...rest] = calls;
      calls = rest;
      state = after(state, now, { kind: 'ok', sentAt: now - 100, level, inFlight: rest.length });
    }
    expect(state.limit).toBe(8);
  });

  test('successes: a limit that is not half used does not grow', () => {
    const idle = after(fresh(), 1, ...Array.from({ length: 100 }, () => ok(0, 2)));
    expect(idle.limit).toBe(5);
  });

  test('successes: a limit grows that is half used now, the call that came back included', () => {
    const grown = (inFlight: number): number => {
      const late: Feedback = { kind: 'ok', sentAt: 0, level: 1, inFlight };
      return after(fresh({ initial: 10 }), 1, ...Array.from({ length: 10 }, () => late)).limit;
    };
    expect([grown(3), grown(4)]).toEqual([10, 11]);
  });

  test('quota: each call that is sent uses one up, and then none goes before the reset', () => {
    let state = aimd.observed(fresh(), config, { remaining: 2, reset: 5000 }, 0, 0);
    const waits = [aimd.admit(state, config, 0, 0)];
    for (const inFlight of [1, 2]) {
      state = aimd.sent(state, config, 0);
      waits.push(aimd.admit(state, config, inFlight, 0));
    }
    expect(waits).toEqual([0, 0, 5000]);
  });

  test('refusal: halves, rounded down, and begins the count of successes anew', () => {
    const state = after(fresh(), 1, ...Array.from({ length: 9 }, () => ok(0)), refused(0), ok(2));
    expect([state.limit, state.streak]).toEqual([2, 1]);
  });

  test('refusal: not below min, and counted there too', () => {
    let state = fresh();
    for (let i = 1; i <= 6; i++) state = after(state, 10 * i, refused(10 * i - 5));
    expect([state.limit, aimd.decreases(state)]).toEqual([1, 6]);
  });

  test('refusal: one decrease per round trip', () => {
    const state = after(fresh(), 10, refused(1), refused(2), refused(10));
    expect([state.limit, aimd.decreases(state)]).toEqual([2, 1]);
    expect(aimd.decreases(after(state, 12, refused(11)))).toBe(2);
  });

  test('refusal: a success that was sent before the last decrease does not count', () => {
    const state = after(after(fresh(), 10, refused(1)), 11, ...Array.from({ length: 10 }, () => ok(9)));
    expect(state.limit).toBe(2);
  });

  test('hint: no call before it has passed, also of a refusal that decreases nothing; min is shown meanwhile', () => {
    const state = after(fresh(), 100, refused(1), refused(2, 3_000));
    expect(aimd.admit(state, config, 0, 100)).toBe(3_000);
    expect(aimd.admit(state, config, 0, 3_099)).toBe(1);
    expect(aimd.admit(state, config, 0, 3_100)).toBe(0);
    expect([100, 3_100].map((now) => aimd.concurrency(state, config, now))).toEqual([1, 2]);
  });

  test('hint: a shorter one does not cut a longer one, and none waits more than 10 minutes', () => {
    const state = after(fresh(), 100, refused(1, 3_000), refused(2, 1_000));
    expect(aimd.admit(state, config, 0, 100)).toBe(3_000);
    expect(aimd.admit(after(state, 100, refused(3, 1e9)), config, 0, 100)).toBe(600_000);
  });

  test('timeout: is a decrease, once per round trip', () => {
    const timeout = (sentAt: number): Feedback => ({ kind: 'timeout', sentAt, level: 5, inFlight: 4 });
    const state = after(fresh(), 30_000, timeout(0), timeout(1));
    expect([state.limit, aimd.decreases(state)]).toEqual([2, 1]);
  });

  test('failure of the job: says nothing', () => {
    const state = after(fresh(), 1, ok(0));
    expect(after(state, 2, { kind: 'failed', sentAt: 0, level: 5, inFlight: 4 })).toEqual(state);
  });

  test('quota: what the calls in flight may use up is not used twice; waits for the reset', () => {
    let state = aimd.observed(fresh(), config, { remaining: 4, reset: 5_000 }, 2, 100);
    expect(aimd.admit(state, config, 2, 100)).toBe(0);
    state = aimd.sent(aimd.sent(state, config, 100), config, 100);
    expect(aimd.admit(state, config, 4, 100)).toBe(5_000);
    expect(aimd.admit(state, config, 0, 5_100)).toBe(0);
    // The answers come back and tell that there is one left.
    state = aimd.observed(state, config, { remaining: 1, reset: 4_000 }, 0, 1_100);
    expect(aimd.admit(state, config, 0, 1_100)).toBe(0);
  });

  const feedback: fc.Arbitrary<(now: number) => Feedback> = fc
    .record({
      kind: fc.constantFrom('ok', 'failed', 'timeout', 'refused'),
      age: fc.integer({ min: 0, max: 2_000 }),
      level: fc.integer({ min: 1, max: 60 }),
      hint: fc.option(fc.double({ min: 0, max: 1e7, noNaN: true }), { nil: undefined }),
    })
    .map(({ kind, age, level, hint }) => (now) => {
      const base = { sentAt: Math.max(0, now - age), level, inFlight: level - 1 };
      return kind === 'refused' ? { ...base, kind, hint } : ({ ...base, kind } as Feedback);
    });

  test('property: within [min, max], alive, plain JSON, deaf to old refusals', () => {
    const limits = fc.record({ min: fc.integer({ min: 1, max: 5 }), max: fc.integer({ min: 5, max: 60 }) });
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), feedback), { maxLength: 200 });
    fc.assert(
      fc.property(limits, steps, ({ min, max }, events) => {
        const knobs = { ...config, min, max };
        let state = aimd.start(knobs, 0);
        let now = 0;
        for (const [wait, event] of events) {
          now += wait;
          const happened = event(now);
          const before = state;
          state = aimd.received(state, knobs, happened, now);
          expect(state.limit).toBeGreaterThanOrEqual(min);
          expect(state.limit).toBeLessThanOrEqual(max);
          if (happened.sentAt <= before.cut && happened.kind !== 'ok') expect(state.limit).toBe(before.limit);
          const alive = aimd.admit(state, knobs, 0, now);
          expect(alive).toBeGreaterThanOrEqual(0);
          expect(alive).toBeLessThanOrEqual(600_000);
          expect(JSON.parse(JSON.stringify(state))).toEqual(state);
        }
      }),
    );
  });
});
