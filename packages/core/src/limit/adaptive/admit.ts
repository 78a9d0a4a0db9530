// What the adaptive controller lets go: a level, a pace, a quota.
import type { LimitConfig } from '../controller.js';
import { roomBehind } from '../gate.js';
import type { AdaptiveState } from './state.js';

export const clamp = (value: number, least: number, most: number): number =>
  Math.min(Math.max(value, least), most);

export function level(s: AdaptiveState, config: LimitConfig, now: number): number {
  if (s.shut >= 0 || isUsedUp(s, now)) return 1;
  if (s.pace === 0) return clamp(Math.floor(s.limit), config.min, config.max);
  const bound = s.ceil > config.max ? config.max : s.limit;
  return clamp(Math.min(Math.ceil(2 * paceNow(s, now) * s.rtt) + 4, bound), config.min, config.max);
}

/**
 * The pace, and while it probes more and more: by 0.2 calls per round trip and second, doubling every 1.5 s. Below 5
 * calls per second that time is counted in calls: what was sent faster must come back before more can follow.
 */
export function paceNow(s: AdaptiveState, now: number): number {
  const x = Math.max(0, now - s.hold) * Math.min(0.001, s.pace / 5);
  return Math.min(s.pace * 1.5 ** x, s.pace + ((0.2 / s.rtt) * 1.5 * (2 ** (x / 1.5) - 1)) / Math.LN2);
}

/** Whether the calls of this window are gone, so that only one at a time is sent to see. */
export function isUsedUp(s: AdaptiveState, now: number): boolean {
  return s.last.quota && now < s.at + s.last.length && s.ok + s.out >= s.last.ok;
}

/** Whether this cycle let as many calls through as the last one did. */
export function isSameQuota(s: AdaptiveState): boolean {
  return s.last.ok > 0 && Math.abs(s.ok - s.last.ok) <= 0.05 * s.last.ok;
}

/** Accepted calls per ms, over the shortest recent time with ≥ 1 s and ≥ 50 calls, at most 20 s. */
export function goodput(s: AdaptiveState, now: number): number {
  let rate = 0;
  for (let i = s.marks.length - 1; i >= 0; i--) {
    const [at, accepted] = s.marks[i] as readonly [number, number]; // i < length
    rate = (s.accepted - accepted) / Math.max(1000, now - at);
    if (now - at >= 1000 && s.accepted - accepted >= 50) break;
  }
  return rate;
}

/** ms of its pace that may be caught up, as timers are coarse. */
export const CATCH_UP = 20;

export function room(s: AdaptiveState, config: LimitConfig, inFlight: number, now: number): number {
  const free = roomBehind(s, level(s, config, now) - inFlight, now);
  if (free <= 1 || s.shut >= 0) return free;
  const due = s.pace > 0 ? 1 + Math.floor(clamp(now - s.next, 0, CATCH_UP) * paceNow(s, now)) : free;
  // At the last call of a window only one more at a time is sent.
  const held =
    s.last.quota && now < s.at + s.last.length ? Math.max(1 - inFlight, s.last.ok - s.ok - s.out) : free;
  return Math.min(free, due, held);
}

export function gate(s: AdaptiveState): number {
  return Math.max(s.next, s.left <= 0 ? s.until : 0);
}

export function concurrency(s: AdaptiveState, config: LimitConfig, now: number): number {
  const isBlocked = s.shut >= 0 || (s.left <= 0 && now < s.until);
  if (isBlocked) return config.min;
  return s.pace > 0
    ? clamp(Math.round(paceNow(s, now) * s.rtt), config.min, config.max)
    : level(s, config, now);
}
