// Moments before which no call may go, as hints and quotas set them.
import type { Quota } from './controller.js';

/** Longest wait that an answer can ask for, ms. */
export const LONGEST_WAIT = 600_000;

/** Waits below this are over, ms: sums of fractions would otherwise be waited for without time passing. */
const NOTHING = 1e-3;

/** ms from `now` until `moment`, 0 when it has come. */
export function waitUntil(moment: number, now: number): number {
  return moment - now > NOTHING ? moment - now : 0;
}

/** What a quota leaves: calls in flight may not have been counted by it yet, so they are taken off. */
export function quotaLeft(quota: Quota, inFlight: number, now: number): { left: number; until: number } {
  return { left: quota.remaining - inFlight, until: now + Math.min(quota.reset, LONGEST_WAIT) };
}
