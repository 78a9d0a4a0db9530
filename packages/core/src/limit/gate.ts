// Moments before which no call may go, as hints and quotas set them.
import type { Quota } from './controller.js';
import { duration } from './words.js';

/** Longest wait that an answer can ask for, ms. */
export const LONGEST_WAIT = 600_000;

/** Waits below this are over, ms: sums of fractions would otherwise be waited for without time passing. */
const NOTHING = 1e-3;

/** ms from `now` until `moment`, 0 when it has come. */
export function waitUntil(moment: number, now: number): number {
  return moment - now > NOTHING ? moment - now : 0;
}

/** How many calls may go now: `free` ones, unless hints let none go or a quota fewer. */
export function roomBehind(
  gate: { next: number; left: number; until: number },
  free: number,
  now: number,
): number {
  if (waitUntil(gate.next, now) > 0) return 0;
  return waitUntil(gate.until, now) > 0 ? Math.min(free, gate.left) : free;
}

/** What a quota leaves; calls that it may not have counted are taken off. */
export function quotaLeft(quota: Quota, uncounted: number, now: number): { left: number; until: number } {
  return { left: quota.remaining - uncounted, until: now + Math.min(quota.reset, LONGEST_WAIT) };
}

/** Why no call may go now, if hints or quotas let none go. `next`: until when a refusal asked to wait. */
export function waitReason(
  gate: { next: number; left: number; until: number },
  now: number,
): string | undefined {
  const { next, left, until } = gate;
  if (left <= 0 && until >= next && waitUntil(until, now) > 0)
    return `waiting: the quota that the answers tell is used up, and resets in ${duration(until - now)}`;
  if (waitUntil(next, now) > 0) return `waiting: the service asked for it, ${duration(next - now)} more`;
  return undefined;
}
