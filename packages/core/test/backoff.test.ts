import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoff } from '../src/backoff.js';

const README = { baseDelay: 1000, maxDelay: 30_000, jitter: 0 };
const half = (): number => 0.5;
const nearlyOne = (): number => 1 - 2 ** -53;

describe('backoff', () => {
  test.each([
    [1, README, half, 1000],
    [2, README, half, 2000],
    [3, README, half, 4000],
    [5, README, half, 16_000],
    [6, README, half, 30_000],
    [2000, README, half, 30_000],
    [1, { ...README, jitter: 0.5 }, () => 0, 1000],
    [1, { ...README, jitter: 0.5 }, half, 750],
    [1, { ...README, jitter: 0.5 }, nearlyOne, 500],
    [9, { ...README, jitter: 0.5 }, nearlyOne, 15_000],
    [9, { ...README, jitter: 1 }, nearlyOne, 0],
    [1, { ...README, maxDelay: 10 }, half, 10],
    [2000, { baseDelay: 0, maxDelay: 30_000, jitter: 0.5 }, half, 0],
    [1, { baseDelay: 0.5, maxDelay: 10.5, jitter: 0 }, half, 0],
    [9, { baseDelay: 0.5, maxDelay: 10.5, jitter: 0 }, half, 10],
  ])(
    'delay: after attempt %i with %j it is min(maxDelay, baseDelay · 2^(n−1)) less the jitter',
    (attempt, rules, random, ms) => {
      expect(backoff(attempt, rules, random)).toBe(ms);
    },
  );

  test('property: whole ms, never above maxDelay, at most the share `jitter` below the full delay', () => {
    const delay = fc.double({ min: 0, max: 1e9, noNaN: true });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        delay,
        delay,
        share,
        share,
        (attempt, a, b, jitter, chance) => {
          const ms = backoff(attempt, { baseDelay: a, maxDelay: b, jitter }, () => chance);
          const full = backoff(attempt, { baseDelay: a, maxDelay: b, jitter: 0 }, () => chance);
          expect(Number.isSafeInteger(ms)).toBe(true);
          expect(ms).toBeLessThanOrEqual(Math.min(b, full));
          expect(ms).toBeGreaterThanOrEqual(Math.floor(full * (1 - jitter)));
        },
      ),
    );
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('attempt: %d is a TypeError', (attempt) => {
    expect(() => backoff(attempt, README, half)).toThrow(TypeError);
  });
});
