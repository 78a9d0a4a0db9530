// A call was accepted.
import type { Feedback, LimitConfig } from '../controller.js';
import { reopen } from './block.js';
import { watchLatency } from './latency.js';
import type { AdaptiveState } from './state.js';

export function accept(s: AdaptiveState, config: LimitConfig, feedback: Feedback, now: number): void {
  const { sentAt } = feedback;
  const took = Math.max(1, now - sentAt);
  s.rtt = s.accepted === 0 ? took : s.rtt + (took - s.rtt) / 20;
  s.accepted++;
  if (now - (s.marks.at(-1)?.[0] ?? 0) >= 250) {
    while (s.marks[0] !== undefined && now - s.marks[0][0] > 20_000) s.marks.shift();
    s.marks.push([now, s.accepted]);
  }
  if (s.shut >= 0 && sentAt >= s.shut) reopen(s, config, sentAt);
  if (s.last.quota && s.shut < 0 && now > s.at + 1.15 * s.last.length) {
    s.at = now; // The window has passed without having been used up.
    s.ok = 0;
  }
  s.ok++;
  s.acceptedAt = now;
  if (sentAt <= s.cut || s.shut >= 0) return;
  if (sentAt > s.bad) s.cause = null;
  const isProbe = wasProbe(s, feedback);
  // While a probe is out it is probably the one call too many: those beside it prove one level less.
  const proven = feedback.level - (s.probe >= 0 && !isProbe && sentAt >= s.probe ? 1 : 0);
  s.peak = Math.max(s.peak, proven);
  if (!watchLatency(s, config, took, now)) grow(s, config, feedback, proven, isProbe, now);
}

export function wasProbe(s: AdaptiveState, { sentAt, level }: Feedback): boolean {
  return s.probe >= 0 && sentAt === s.probe && level >= s.ceil;
}

export function grow(
  s: AdaptiveState,
  config: LimitConfig,
  feedback: Feedback,
  proven: number,
  isProbe: boolean,
  now: number,
): void {
  const hasCeil = s.ceil <= config.max;
  if (s.slow || (s.pace > 0 && !hasCeil)) return;
  // The first calls are sent together, each at a level of its own.
  const used = s.hold < 0 ? Math.max(proven, feedback.inFlight + 1) : proven;
  // What is not in use is not proven.
  if (s.pace > 0 ? used < s.limit - 1 : used * 2 < s.limit) return;
  if (s.limit < s.ceil - 1) {
    if (hasCeil) s.limit++;
    else if (++s.streak >= config.successThreshold) {
      s.streak = 0;
      s.limit = Math.min(config.max, s.limit + config.additiveIncrease);
    }
  }
  if (isProbe) {
    s.ceil = config.max + 1;
    s.probe = -1;
  } else if (hasCeil && s.limit === s.ceil - 1 && now >= s.hold) s.limit = s.ceil;
}
