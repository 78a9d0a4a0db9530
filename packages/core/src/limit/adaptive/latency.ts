// The service gets slow: the calls in flight shrink until the latency is that of an idle service again.
import type { LimitConfig } from '../controller.js';
import type { AdaptiveState } from './state.js';

/** ms by which an event loop is late now and then: they say nothing about the service. */
const LATE = 5;

/** Compares the median of some calls with that of an idle service. @returns whether it has decreased the limit */
export function watchLatency(s: AdaptiveState, config: LimitConfig, took: number, now: number): boolean {
  // What comes back first after a change is what was fast: not a fair sample.
  if (s.base > 0 && now - s.from < 2 * s.rtt) return false;
  s.samples.push(took);
  const n = s.samples.length;
  const size = s.base === 0 ? 10 : s.hold < 0 ? 30 : 100;
  if (n < size && (s.base === 0 || n < 20 || now - s.from < 5000 + 2 * s.rtt)) return false;
  const sorted = s.samples.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * n)] ?? 0;
  const median = at(0.5);
  s.samples = [];
  s.from = Math.max(s.from, now - 2 * s.rtt);
  if (s.base === 0) {
    s.base = median;
    s.known = n;
    return false;
  }
  // 10 % and four standard errors of a median, of this one and of the base.
  const tolerance = 1.1 * Math.exp(4 * Math.log(at(0.75) / at(0.25)) * Math.sqrt(1 / n + 1 / s.known));
  const usual = Math.max(tolerance * s.base, s.base + LATE);
  if (median <= usual && median <= config.timeout / 3) {
    s.known += n;
    // A mean of all, in the long run of the last ones; at once where it is lower than noise explains.
    const isLower = median * tolerance < s.base;
    s.base += (median - s.base) * (isLower ? 0.2 : Math.max(0.02, n / s.known));
    if (s.peak * 2 < s.limit) return false; // Not in use, so not proven.
    if (s.slow && now >= s.hold) {
      s.limit = Math.min(config.max, s.limit + Math.max(1, Math.floor(s.limit / 10)));
      s.ceil = s.limit + 1;
      s.from = now;
    } else if (s.hold < 0 && s.ok >= 5 * config.successThreshold) {
      s.limit = Math.min(config.max, 2 * s.limit);
      s.from = now;
    }
    return false;
  }
  if (s.limit <= config.initial + 1) {
    s.base = median; // So few calls cannot be the reason.
    s.known = n;
    return false;
  }
  // While it doubled, half of it was fine a moment ago.
  const fine = s.hold < 0 ? s.limit / 2 : 0;
  s.limit = Math.floor(Math.max(config.initial, fine, (s.limit * 1.15 * s.base) / median));
  s.slow = true;
  s.peak = 0;
  s.ceil = s.limit + 1;
  s.hold = Math.max(s.hold, now + 10_000);
  s.cut = now;
  s.from = now;
  s.probe = -1;
  return true;
}
