// Why the adaptive controller admits what it admits, in words and numbers.
import type { Explanation, LimitConfig } from '../controller.js';
import { waitReason } from '../gate.js';
import { calls, duration, perSecond, rounded } from '../words.js';
import { isUsedUp, level, paceNow } from './admit.js';
import type { AdaptiveState } from './state.js';

export function explain(s: AdaptiveState, config: LimitConfig, now: number): Explanation {
  const isOpen = s.shut < 0 && !isUsedUp(s, now);
  return { reason: reason(s, config, now), pace: isOpen && s.pace > 0 ? paceNow(s, now) : 0 };
}

function reason(s: AdaptiveState, config: LimitConfig, now: number): string {
  const wait = waitReason({ next: s.asked, left: s.left, until: s.until }, now);
  if (wait !== undefined) return wait;
  if (s.shut >= 0) return blocked(s, now);
  if (isUsedUp(s, now)) return usedUp(s, now);
  if (s.pace > 0) return paced(s, config, now);
  return s.slow ? slow(s, config, now) : counted(s, config, now);
}

function blocked(s: AdaptiveState, now: number): string {
  const since = `nothing has got through for ${duration(now - s.acceptedAt)}`;
  if (s.out > 0 || s.next <= now) return `blocked: ${since}; one call looks whether it is over`;
  return `blocked: ${since}; one call looks in ${duration(s.next - now)}`;
}

function usedUp(s: AdaptiveState, now: number): string {
  const { ok, length } = s.last;
  return (
    `waiting: ${calls(ok)} per window of about ${duration(length)} are used up; ` +
    `single calls look until it ends in about ${duration(s.at + length - now)}`
  );
}

function paced(s: AdaptiveState, config: LimitConfig, now: number): string {
  const pace = perSecond(paceNow(s, now));
  const before = s.bad < 0 ? '' : `; last refused ${ago(s.bad, now)}`;
  if (s.last.quota) return `paced at ${pace}: the last window held ${calls(s.last.ok)}${before}`;
  const bound = s.ceil <= config.max ? ` and ${calls(level(s, config, now))} in flight` : '';
  if (now < s.hold) return `paced at ${pace}${bound}${before}; next probe in ${duration(s.hold - now)}`;
  return `probing: ${pace} from ${rounded(s.pace * 1000)}${bound}${before}`;
}

function slow(s: AdaptiveState, config: LimitConfig, now: number): string {
  const why = `more at once made it slow (${duration(s.base)} per call when it is not loaded)`;
  const then = now < s.hold ? `; tries more in ${duration(s.hold - now)}` : '; trying more';
  return `holding at ${level(s, config, now)}: ${why}${then}`;
}

function counted(s: AdaptiveState, config: LimitConfig, now: number): string {
  const limit = level(s, config, now);
  const refused = s.bad < 0 ? 'nothing was refused yet' : `last refused ${ago(s.bad, now)}`;
  if (s.ceil > config.max) {
    if (limit >= config.max) return `at the maximum of ${config.max}: ${refused}`;
    return s.accepted === 0 && s.bad < 0
      ? `starting at ${limit}: no answer yet`
      : `growing from ${limit}: ${refused}`;
  }
  const at = s.late
    ? `a call took too long at ${s.ceil}, ${ago(s.cut, now)}`
    : `refused at ${s.ceil}, ${ago(s.bad, now)}`;
  if (s.limit < s.ceil - 1) return `returning from ${limit} to ${s.ceil - 1}: ${at}`;
  if (s.limit >= s.ceil) return `probing ${s.ceil}: ${at}`;
  if (now >= s.hold) return `holding at ${limit}: ${at}; the next call more is a probe`;
  return `holding at ${limit}: ${at}; next probe in ${duration(s.hold - now)}`;
}

function ago(moment: number, now: number): string {
  return `${duration(now - moment)} ago`;
}
