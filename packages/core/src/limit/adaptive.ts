// The controller that finds the limit of a service from its answers: docs/adaptive.md tells how and why.
//
// What a service may limit, and what the state then holds:
//   calls in flight   `limit` stays below `ceil`, the lowest level known to be refused; single calls try one above
//   calls per second  `pace` sends evenly, a little below what came back lately, and probes upwards
//   calls per window  `last.quota`: uses up what the last window let through, then waits for its end
//   nothing goes      `shut`: single calls at growing gaps
//   it gets slow      `slow`: `limit` shrinks until the latency is that of an idle service again
import { accept, wasProbe } from './adaptive/accept.js';
import { CATCH_UP, concurrency, gate, level, paceNow, room } from './adaptive/admit.js';
import { retryLater } from './adaptive/block.js';
import { settle } from './adaptive/decrease.js';
import { explain } from './adaptive/explain.js';
import { refuse } from './adaptive/refuse.js';
import { type AdaptiveState, startState } from './adaptive/state.js';
import type { Feedback, LimitAlgorithm, LimitConfig } from './controller.js';
import { quotaLeft, waitUntil } from './gate.js';

export type { AdaptiveState } from './adaptive/state.js';

function received(s: AdaptiveState, config: LimitConfig, feedback: Feedback, now: number): AdaptiveState {
  s.out = feedback.inFlight;
  if (feedback.kind === 'ok') accept(s, config, feedback, now);
  else if (feedback.kind === 'refused') refuse(s, config, feedback, feedback.hint ?? 0, now);
  else {
    if (wasProbe(s, feedback)) s.probe = -1;
    if (s.shut >= 0 && feedback.sentAt >= s.shut) retryLater(s, false, now);
    else if (feedback.kind === 'timeout' && feedback.sentAt > s.cut) {
      // Quickly undone: a single late answer is no overload, and many are seen by `watchLatency`.
      s.ceil = feedback.level;
      s.late = true;
      s.limit = Math.max(config.min, Math.floor(s.limit * config.multiplicativeDecrease));
      s.decreases++;
      settle(s, now);
    }
  }
  return s;
}

function sent(s: AdaptiveState, config: LimitConfig, now: number): AdaptiveState {
  s.out++;
  if (s.out > s.top) {
    s.top = s.out;
    s.topAt = now;
  }
  if (s.left > 0) s.left--;
  if (s.shut >= 0) return s;
  if (s.pace > 0) s.next = Math.max(s.next, now - CATCH_UP) + 1 / paceNow(s, now);
  const tries = !s.slow && s.ceil <= config.max && s.limit >= s.ceil && s.out >= s.ceil;
  if (tries && s.probe < 0) s.probe = now;
  return s;
}

/**
 * Finds the limit of a service from its answers, whatever it limits: calls in flight, calls per second or per window;
 * lives through bans and outages with few calls, and gives way when the service gets slow.
 *
 * Begins as {@link aimd} does. In the long run about 1 % of the calls are refused, which is what it learns from. The
 * state is plain JSON; jitters come from it, so equal histories give equal decisions.
 */
export const adaptive: LimitAlgorithm<AdaptiveState> = {
  start: startState,
  admit: (s, config, inFlight, now) =>
    inFlight >= level(s, config, now) ? Number.POSITIVE_INFINITY : waitUntil(gate(s), now),
  room,
  sent,
  received,
  observed: (s, _config, quota, uncounted, now) => Object.assign(s, quotaLeft(quota, uncounted, now)),
  concurrency,
  explain,
  decreases: (s) => s.decreases,
};
