// Nothing gets through: single calls at growing gaps, and what is learnt when one comes back.
import type { LimitConfig } from '../controller.js';
import { LONGEST_WAIT } from '../gate.js';
import { clamp, isSameQuota } from './admit.js';
import { jitter, proof, SLOWEST, settle, slowDown } from './decrease.js';
import type { AdaptiveState } from './state.js';

/** After a block, the share of the rate that ran into it. */
const AFTER_BLOCK = 0.85;

/** Blocks up to this are the limit itself (a call too early), longer ones are bans, windows, outages. ms */
const BLOCK = 2_000;

/** After a block nothing is probed for this many times its length: a ban costs more than a probe can gain. */
const CAUTION = 20;

/** The gap between calls that look whether a block is over, as a share of the time it has lasted. */
const GROWTH = 0.7;

/** Nothing gets through, or a hint says so: single calls from now on. */
export function shut(
  s: AdaptiveState,
  config: LimitConfig,
  sentAt: number,
  isLong: boolean,
  isSilent: boolean,
  isWall: boolean,
  now: number,
): void {
  s.shut = now;
  s.cut = now;
  s.tried = sentAt;
  if (s.cause?.high === true) {
    s.doubt = 0;
    s.pace = s.cause.pace; // What the refusals after the first one did was no news.
    s.ceil = s.cause.level;
    s.limit = Math.max(config.min, Math.floor((s.ceil - 1) * config.multiplicativeDecrease));
  } else {
    s.doubt = 3;
    s.ceil = config.max + 1;
    if (s.pace > 0 && !isSilent) slowDown(s, config, now);
  }
  if (!isLong) s.next = Math.max(s.next, now + 1000 * jitter(s));
  if (isWall) s.next = Math.max(s.next, s.at + 0.85 * s.last.length);
}

/** A single call found it shut still: the next one at a growing distance, as each may make a ban begin anew. */
export function retryLater(s: AdaptiveState, isLong: boolean, now: number): void {
  s.tried = now;
  const isWindow = s.last.quota && isSameQuota(s);
  const due = isWindow ? s.at + 1.15 * s.last.length : s.shut;
  if (!isLong) {
    const gap = jitter(s) * clamp(GROWTH * (now - due), isWindow ? 0.03 * (now - s.at) : 1000, LONGEST_WAIT);
    s.next = now + Math.min(LONGEST_WAIT, now < due ? gap : Math.max(s.lull, gap));
  }
  if (isWindow) s.next = Math.max(s.next, s.at + 0.85 * s.last.length);
}

/** The first call after a block came back: decides between a quota per window, a level and a rate. */
export function reopen(s: AdaptiveState, config: LimitConfig, now: number): void {
  const down = now - s.shut;
  const length = now - s.at;
  const rate = s.ok / Math.max(500, (s.cause?.at ?? s.shut) - s.at);
  const isQuota = down > BLOCK && isSameQuota(s) && (s.last.quota || rate < 0.9 * s.last.rate);
  const isLevel = !isQuota && s.doubt === 0 && s.ceil <= config.max;
  const proven = Math.max(s.ok / length, proof(s, now));
  s.shut = -1;
  const cause = s.cause;
  s.cause = null;
  if (down <= BLOCK) {
    if (s.pace === 0) s.limit = config.min;
    else {
      if (cause !== null) s.pace = Math.max(0.9 * cause.pace, s.pace * config.multiplicativeDecrease);
      s.pace = Math.max(s.pace, proof(s, now), 1 / Math.max(1000, now - s.acceptedAt));
    }
    settle(s, now);
    return;
  }
  if (s.ok === 0 && s.last.ok === 0) {
    // Nothing had been accepted before: nothing is known.
    s.pace = 0;
    s.doubt = 0;
    s.ceil = config.max + 1;
    s.limit = config.initial;
  } else if (isQuota) {
    s.ceil = config.max + 1;
    s.limit = config.initial;
    s.pace = rate;
  } else if (!isLevel)
    s.pace = Math.max(AFTER_BLOCK * (s.pace || rate), s.last.ok / Math.max(1, s.last.length), proven);
  s.pace = s.pace > 0 ? Math.max(s.pace, SLOWEST) : 0;
  s.lull = s.tried > s.shut ? now - s.tried : 0;
  s.last = { ok: s.ok, rate, length, quota: isQuota };
  s.at = now;
  s.ok = 0;
  settle(s, now);
  s.marks = [[now, s.accepted]];
  if (isLevel) s.hold = Math.max(s.hold, now + Math.min(LONGEST_WAIT, 2 * s.limit * down));
  else if (!isQuota) s.hold = Math.max(s.hold, now + Math.min(LONGEST_WAIT, CAUTION * down));
}
