// A call was refused, or did not come back.
import type { Feedback, LimitConfig } from '../controller.js';
import { LONGEST_WAIT } from '../gate.js';
import { wasProbe } from './accept.js';
import { isSameQuota } from './admit.js';
import { retryLater, shut } from './block.js';
import { budgeted, settle, slowDown } from './decrease.js';
import type { AdaptiveState } from './state.js';

export function refuse(
  s: AdaptiveState,
  config: LimitConfig,
  feedback: Feedback,
  hint: number,
  now: number,
): void {
  const { sentAt } = feedback;
  // Calls that were sent together, before anything was known, are refused together.
  const level = s.accepted === 0 ? Math.max(feedback.level, feedback.inFlight + 1) : feedback.level;
  s.refused++;
  const isLong = hint > (s.last.ok > 0 ? 500 : 1000);
  if (isLong) s.asked = Math.max(s.asked, now + Math.min(hint, LONGEST_WAIT));
  s.next = Math.max(s.next, s.asked);
  if (s.shut >= 0) {
    if (sentAt >= s.shut) retryLater(s, isLong, now);
    return;
  }
  if (sentAt <= s.cut) return;
  const isWall = s.last.quota && isSameQuota(s);
  const isSilent = s.cause !== null || (s.accepted === 0 && level <= config.min);
  if (isSilent && !isLong && !isWall && now - s.acceptedAt <= 2 * s.rtt) {
    s.next = Math.max(s.next, s.acceptedAt + 2 * s.rtt + 1); // Too early to say that nothing gets through.
    return;
  }
  s.decreases++;
  s.bad = Math.max(s.bad, sentAt);
  s.slow = false;
  s.late = false;
  const isKnown = s.peak > 0 || (s.cut < 0 && level > 1);
  const isProbe = wasProbe(s, feedback);
  // The level is to blame when this was the first call ever sent at it.
  const isFirst = isKnown && level > s.peak && Math.abs(sentAt - s.topAt) < 2;
  s.cause ??= { at: sentAt, pace: s.pace, level, high: isProbe || isFirst };
  if (isLong || isWall || isSilent) return shut(s, config, sentAt, isLong, isSilent, isWall, now);

  if (level > s.peak || isProbe) s.doubt = s.peak > 0 ? Math.max(0, s.doubt - 1) : s.doubt;
  else s.doubt = Math.min(3, s.doubt + 1);
  if (isProbe) {
    s.probe = -1;
    s.cut = now;
    s.limit = Math.max(config.min, s.ceil - 1);
    s.refused = 0;
    s.hold = budgeted(s, 1, now);
    return;
  }
  if (level <= config.min) s.doubt = 3;
  if (s.pace > 0 && s.doubt === 0) {
    s.pace = 0;
    s.ceil = level;
    s.limit = Math.max(config.min, level - 1);
  } else if (s.pace > 0 || s.doubt >= 2) {
    slowDown(s, config, now);
    s.next = Math.max(s.next, now + Math.min(3 / s.pace, 30_000));
  } else {
    // On the way back to a known level others were quicker: what is left is just below. To halve once more would leave
    // the limit to them.
    const isReturning = s.ceil <= config.max && s.limit < s.ceil - 1;
    if (isKnown) s.ceil = level;
    const used = isKnown ? Math.min(s.limit, level) : s.limit;
    const left = isReturning ? level - 1 : Math.floor(used * config.multiplicativeDecrease);
    s.limit = Math.max(config.min, left);
  }
  settle(s, now);
}
