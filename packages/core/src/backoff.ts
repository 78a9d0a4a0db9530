// How long a job waits after a failure.

/** The rules of {@link backoff}; see `RetryConfig` for the defaults. */
export interface BackoffRules {
  /** Delay after the first failure in ms, ≥ 0. */
  baseDelay: number;
  /** Longest delay in ms, ≥ 0. */
  maxDelay: number;
  /** Largest share of a delay that chance takes off, 0 (none) to 1. */
  jitter: number;
}

/**
 * Delay before the next attempt of a job.
 *
 * Grows as `baseDelay · 2^(attempt − 1)` and is cut at `maxDelay`. `jitter` then takes a random share of it off, so
 * that jobs which failed together do not return together.
 *
 * @param attempt - attempts already spent, 1 after the first failure
 * @param random - returns a number in [0, 1)
 * @returns whole milliseconds, never above `rules.maxDelay`
 * @throws TypeError when `attempt` is not a positive whole number
 * @example
 * backoff(3, { baseDelay: 1000, maxDelay: 30_000, jitter: 0 }, Math.random); // 4000
 * @see "Exponential Backoff And Jitter", AWS Architecture Blog
 */
export function backoff(attempt: number, rules: BackoffRules, random: () => number): number {
  if (!Number.isInteger(attempt) || attempt < 1)
    throw new TypeError(`attempt must be 1 or more, not ${attempt}`);
  // 2^1000 is beyond every delay, and times 0 it still is 0.
  const delay = Math.min(rules.maxDelay, rules.baseDelay * 2 ** Math.min(attempt - 1, 1000));
  return Math.floor(delay * (1 - rules.jitter * random()));
}
