// What a decrease does, and when the next probe may follow.
import type { LimitConfig } from '../controller.js';
import { clamp, goodput, paceNow } from './admit.js';
import { type AdaptiveState, GOLDEN } from './state.js';

/** Of the calls that were accepted, how many may be refused to learn more. */
const WASTE = 0.01;

/** Refusals of one moment that are charged to that budget: more say no more. */
const CHARGED = 5;

/**
 * Shortest time without probes where calls in flight are limited, in round trips: of those who share a limit, who has
 * more should not ask more often.
 */
const SHORTEST_ROUNDS = 20;

/** Longest time in which a budget forbids to probe, ms: who is given little by others must ask for more in time. */
const LONGEST_HOLD = 60_000;

/** The same where calls in flight are limited, in round trips. */
const LONGEST_ROUNDS = 50;
/** A pace stays this far below what comes back, so that a bucket drains slower than it fills. */
const BELOW = 0.98;
/** Slowest pace, calls per ms. */
export const SLOWEST: number = 1 / 30_000;

/** A decrease is done: begins to watch what it does. */
export function settle(s: AdaptiveState, now: number): void {
  s.hold = budgeted(s, Math.max(1, s.refused), now);
  s.refused = 0;
  s.cut = now;
  s.peak = 0;
  s.probe = -1;
  s.streak = 0;
  s.from = now;
  s.samples = [];
}

/** When enough calls will have been accepted for another refusal to be no waste. The first 50 calls know too little. */
export function budgeted(s: AdaptiveState, refused: number, now: number): number {
  const rate = Math.max(goodput(s, now), s.pace || s.limit / s.rtt);
  const charged = s.accepted < 50 ? 0 : Math.min(CHARGED, refused);
  const longest = s.pace > 0 ? LONGEST_HOLD : Math.min(LONGEST_HOLD, LONGEST_ROUNDS * s.rtt);
  const shortest = charged === 0 || s.pace > 0 ? 1000 : SHORTEST_ROUNDS * s.rtt;
  return now + clamp(charged / WASTE / rate, shortest, Math.max(shortest, longest));
}

export function slowDown(s: AdaptiveState, config: LimitConfig, now: number): void {
  const fits = Math.max(proof(s, now), BELOW * goodput(s, now));
  if (s.pace === 0) {
    s.pace = fits;
    s.ceil = config.max + 1;
  } else s.pace = Math.min(Math.max(fits, config.multiplicativeDecrease * s.pace), BELOW * paceNow(s, now));
  s.pace = Math.max(s.pace, SLOWEST);
}

/** A rate that the last cycle has proven, block included, while that is not long ago. */
export function proof(s: AdaptiveState, now: number): number {
  return s.last.ok > 0 && now < s.at + 2 * s.last.length ? s.last.ok / s.last.length : 0;
}

export function jitter(s: AdaptiveState): number {
  s.seed = (s.seed + GOLDEN) % 1;
  return 0.75 + 0.5 * s.seed;
}
