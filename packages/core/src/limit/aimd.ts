// The controller of the README: additive increase, multiplicative decrease.
import type { Feedback, LimitAlgorithm, LimitConfig } from './controller.js';
import { LONGEST_WAIT, quotaLeft, roomBehind, waitReason, waitUntil } from './gate.js';
import { duration } from './words.js';

/** Times are monotonic ms. */
export interface AimdState {
  /** Calls that may be in flight. */
  limit: number;
  /** Consecutive successes since the limit last moved. */
  streak: number;
  /** Last decrease; what was sent until then says nothing about the new limit. */
  cut: number;
  /** No call before: a refusal asked for it. */
  next: number;
  /** Calls that the quota still holds, those in flight taken off; counts until `until`. */
  left: number;
  until: number;
  decreases: number;
}

/** Moment before which hints and quotas let no call go. */
function gate(state: AimdState): number {
  return Math.max(state.next, state.left <= 0 ? state.until : 0);
}

function received(state: AimdState, config: LimitConfig, feedback: Feedback, now: number): AimdState {
  const fresh = feedback.sentAt > state.cut;
  switch (feedback.kind) {
    case 'failed':
      return state;
    case 'ok': {
      // A limit that was not even half used, neither when it was sent nor now, was not proven by this success.
      const used = Math.max(feedback.level, feedback.inFlight + 1);
      if (!fresh || used * 2 < state.limit) return state;
      const streak = state.streak + 1;
      if (streak < config.successThreshold) return { ...state, streak };
      return { ...state, streak: 0, limit: Math.min(config.max, state.limit + config.additiveIncrease) };
    }
    case 'timeout':
      return fresh ? decrease(state, config, now) : state;
    case 'refused': {
      const next = Math.max(state.next, now + Math.min(feedback.hint ?? 0, LONGEST_WAIT));
      return { ...(fresh ? decrease(state, config, now) : state), next };
    }
  }
}

function decrease(state: AimdState, config: LimitConfig, now: number): AimdState {
  const limit = Math.max(config.min, Math.floor(state.limit * config.multiplicativeDecrease));
  return { ...state, limit, streak: 0, cut: now, decreases: state.decreases + 1 };
}

function reason({ limit, streak, cut }: AimdState, config: LimitConfig, now: number): string {
  const { max, additiveIncrease, successThreshold } = config;
  const before = cut < 0 ? 'nothing was refused yet' : `the last decrease was ${duration(now - cut)} ago`;
  if (limit >= max) return `at the maximum of ${max}: ${before}`;
  return (
    `growing from ${limit}: ${before}; ${additiveIncrease} more after ${successThreshold} successes in a row, ` +
    `${streak} so far`
  );
}

/**
 * Adds `additiveIncrease` jobs after `successThreshold` consecutive successes, multiplies by
 * `multiplicativeDecrease` (rounded down, not below `min`) when the service refuses a call or a call times out.
 *
 * One decrease per round trip: what happens to calls that were sent before the last decrease changes nothing. A hint
 * of a refusal (Retry-After) lets no call go before it has passed; nor does a quota (`RateLimit-Remaining`) that the
 * calls in flight may use up, until its reset, at most 10 minutes. While less than half of the limit is in use it does
 * not grow.
 */
export const aimd: LimitAlgorithm<AimdState> = {
  start: (config, now) => ({
    limit: config.initial,
    streak: 0,
    cut: -1,
    next: now,
    left: 0,
    until: now,
    decreases: 0,
  }),
  admit: (state, _config, inFlight, now) =>
    inFlight >= state.limit ? Infinity : waitUntil(gate(state), now),
  room: (state, _config, inFlight, now) => roomBehind(state, state.limit - inFlight, now),
  sent: (state) => (state.left > 0 ? { ...state, left: state.left - 1 } : state),
  received,
  observed: (state, _config, quota, uncounted, now) => ({ ...state, ...quotaLeft(quota, uncounted, now) }),
  explain: (state, config, now) => ({
    reason: waitReason(state, now) ?? reason(state, config, now),
    pace: 0,
  }),
  concurrency: (state, config, now) => (waitUntil(gate(state), now) > 0 ? config.min : state.limit),
  decreases: (state) => state.decreases,
};
