// The controller that finds the limit of a service from its answers: docs/adaptive.md tells how and why.
//
// What a service may limit, and what the state then holds:
//   calls in flight   `limit` stays below `ceil`, the lowest level known to be refused; single calls try one above
//   calls per second  `pace` sends evenly, a little below what came back lately, and probes upwards
//   calls per window  `last.quota`: uses up what the last window let through, then waits for its end
//   nothing goes      `shut`: single calls at growing gaps
//   it gets slow      `slow`: `limit` shrinks until the latency is that of an idle service again
// Every function below `received` changes the copy of the state that it is given.
import type { Feedback, LimitAlgorithm, LimitConfig } from './controller.js';
import { LONGEST_WAIT, quotaLeft, waitUntil } from './gate.js';

/** Plain JSON. Times are monotonic ms, −1 = never; rates are calls per ms. */
export interface AdaptiveState {
  /** Calls that may be in flight; while paced, the bound that a known `ceil` sets. */
  limit: number;
  /** Lowest level known to be refused or slow; max + 1 = none. */
  ceil: number;
  /** Whether `ceil` is where latency grew, not where calls were refused. */
  slow: boolean;
  /** Rate that is sent evenly; 0 = not paced. */
  pace: number;
  /** No call before. */
  next: number;
  /** No probing before; −1 = nothing has gone wrong yet. */
  hold: number;
  /** Last decrease; outcomes of calls sent until then say nothing new. */
  cut: number;
  /** Highest level accepted since the last decrease; 0 = none. */
  peak: number;
  /** 0 to 3: +1 for a refusal at a level that was fine, −1 for one above; from 2 on the limit is a rate. */
  doubt: number;
  /** Calls in flight. */
  out: number;
  /** When the one call that tries `ceil` was sent. */
  probe: number;
  /** Highest level ever sent, and when first. */
  top: number;
  topAt: number;
  /** The current cycle, that is since the last block of more than 2 s: its begin, and calls accepted in it. */
  at: number;
  ok: number;
  /** Calls refused since the last decrease. */
  refused: number;
  /** Since when nothing gets through. */
  shut: number;
  /** When the last call was sent that found it shut. */
  tried: number;
  /** The silence, in ms, that ended the last block. */
  lull: number;
  /** The refusal after which nothing was accepted any more: when sent, pace and level, whether the level is to blame. */
  cause: { at: number; pace: number; level: number; high: boolean } | null;
  /** When the last refused call was sent. */
  bad: number;
  /** The last cycle that a block of more than 2 s ended: calls, rate while open, length with the block. */
  last: { ok: number; rate: number; length: number; quota: boolean };
  /** Calls accepted, and how many there were at moments of the last 20 s. */
  accepted: number;
  marks: readonly (readonly [at: number, accepted: number])[];
  acceptedAt: number;
  /** Mean latency in ms, 1/20 per call. */
  rtt: number;
  /** Median latency in ms of a service that is not loaded; 0 = unknown. */
  base: number;
  /** Latencies being collected, from the moment `from`. */
  samples: readonly number[];
  from: number;
  /** Successes towards the next increase. */
  streak: number;
  /** What an observed quota still holds, until its reset. */
  left: number;
  until: number;
  /** Where the sequence of jitters stands, in [0, 1). */
  seed: number;
  decreases: number;
}

/** Of the calls that were accepted, how many may be refused to learn more. */
const WASTE = 0.01;
/** Refusals of one moment that are charged to that budget: more say no more. */
const CHARGED = 5;
/** Longest time in which a budget forbids to probe, ms: who is given little by others must ask for more in time. */
const LONGEST_HOLD = 60_000;
/** A pace stays this far below what comes back, so that a bucket drains slower than it fills. */
const BELOW = 0.98;
/** After a block, the share of the rate that ran into it. */
const AFTER_BLOCK = 0.85;
/** Blocks up to this are the limit itself (a call too early), longer ones are bans, windows, outages. ms */
const BLOCK = 2_000;
/** After a block nothing is probed for this many times its length: a ban costs more than a probe can gain. */
const CAUTION = 20;
/** The gap between calls that look whether a block is over, as a share of the time it has lasted. */
const GROWTH = 0.7;
/** The step of the golden ratio spreads jitters evenly, also between clients that begin at different times. */
const GOLDEN = 0.618_033_988_75;
/** Slowest pace, calls per ms. */
const SLOWEST = 1 / 30_000;

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

// --- what may be sent -------------------------------------------------------------------------------------------------

function level(s: AdaptiveState, config: LimitConfig, now: number): number {
  if (s.shut >= 0 || isUsedUp(s, now)) return 1;
  if (s.pace === 0) return clamp(Math.floor(s.limit), config.min, config.max);
  const bound = s.ceil > config.max ? config.max : s.limit;
  return clamp(Math.min(Math.ceil(2 * paceNow(s, now) * s.rtt) + 4, bound), config.min, config.max);
}

/**
 * The pace, and while it probes more and more: by 0.2 calls per round trip and second, doubling every 1.5 s. Below 5
 * calls per second that time is counted in calls: what was sent faster must come back before more can follow.
 */
function paceNow(s: AdaptiveState, now: number): number {
  const x = Math.max(0, now - s.hold) * Math.min(0.001, s.pace / 5);
  return Math.min(s.pace * 1.5 ** x, s.pace + ((0.2 / s.rtt) * 1.5 * (2 ** (x / 1.5) - 1)) / Math.LN2);
}

/** Whether the calls of this window are gone, so that only one at a time is sent to see. */
function isUsedUp(s: AdaptiveState, now: number): boolean {
  return s.last.quota && now < s.at + s.last.length && s.ok + s.out >= s.last.ok;
}

/** Whether this cycle let as many calls through as the last one did. */
function isSameQuota(s: AdaptiveState): boolean {
  return s.last.ok > 0 && Math.abs(s.ok - s.last.ok) <= 0.05 * s.last.ok;
}

/** Accepted calls per ms, over the shortest recent time with ≥ 1 s and ≥ 50 calls, at most 20 s. */
function goodput(s: AdaptiveState, now: number): number {
  let rate = 0;
  for (let i = s.marks.length - 1; i >= 0; i--) {
    const [at, accepted] = s.marks[i] as readonly [number, number]; // i < length
    rate = (s.accepted - accepted) / Math.max(1000, now - at);
    if (now - at >= 1000 && s.accepted - accepted >= 50) break;
  }
  return rate;
}

// --- a call was accepted ----------------------------------------------------------------------------------------------

function accept(s: AdaptiveState, config: LimitConfig, feedback: Feedback, now: number): void {
  const { sentAt } = feedback;
  const took = Math.max(1, now - sentAt);
  s.rtt = s.accepted === 0 ? took : s.rtt + (took - s.rtt) / 20;
  s.accepted++;
  if (now - (s.marks.at(-1)?.[0] ?? 0) >= 250)
    s.marks = [...s.marks.filter(([at]) => now - at <= 20_000), [now, s.accepted]];
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

function wasProbe(s: AdaptiveState, { sentAt, level }: Feedback): boolean {
  return s.probe >= 0 && sentAt === s.probe && level >= s.ceil;
}

function grow(
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

/** The first call after a block came back: decides between a quota per window, a level and a rate. */
function reopen(s: AdaptiveState, config: LimitConfig, now: number): void {
  const down = now - s.shut;
  const length = now - s.at;
  const rate = s.ok / Math.max(500, (s.cause?.at ?? s.shut) - s.at);
  const isQuota = down > BLOCK && isSameQuota(s) && (s.last.quota || rate < 0.9 * s.last.rate);
  const isLevel = !isQuota && s.doubt === 0 && s.ceil <= config.max;
  const proven = Math.max(s.ok / length, proof(s, now));
  s.shut = -1;
  if (down <= BLOCK) {
    if (s.pace === 0) s.limit = config.min;
    else {
      if (s.cause !== null) s.pace = Math.max(0.9 * s.cause.pace, s.pace * config.multiplicativeDecrease);
      s.pace = Math.max(s.pace, proof(s, now), 1 / Math.max(1000, now - s.acceptedAt));
    }
    settle(s, now);
    return;
  }
  if (isQuota) {
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

/** A rate that the last cycle has proven, block included, while that is not long ago. */
function proof(s: AdaptiveState, now: number): number {
  return s.last.ok > 0 && now < s.at + 2 * s.last.length ? s.last.ok / s.last.length : 0;
}

// --- a call was refused -----------------------------------------------------------------------------------------------

function refuse(s: AdaptiveState, config: LimitConfig, feedback: Feedback, hint: number, now: number): void {
  const { sentAt } = feedback;
  // Calls that were sent together, before anything was known, are refused together.
  const level = s.accepted === 0 ? Math.max(feedback.level, feedback.inFlight + 1) : feedback.level;
  s.refused++;
  const isLong = hint > (s.last.ok > 0 ? 500 : 1000);
  if (isLong) s.next = Math.max(s.next, now + Math.min(hint, LONGEST_WAIT));
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
    if (isKnown) s.ceil = level;
    const used = isKnown ? Math.min(s.limit, level) : s.limit;
    s.limit = Math.max(config.min, Math.floor(used * config.multiplicativeDecrease));
  }
  settle(s, now);
}

/** Nothing gets through, or a hint says so: single calls from now on. */
function shut(
  s: AdaptiveState,
  config: LimitConfig,
  sentAt: number,
  isLong: boolean,
  isSilent: boolean,
  isWall: boolean,
  now: number,
): void {
  s.shut = now;
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
function retryLater(s: AdaptiveState, isLong: boolean, now: number): void {
  s.tried = now;
  const isWindow = s.last.quota && isSameQuota(s);
  const due = isWindow ? s.at + 1.15 * s.last.length : s.shut;
  if (!isLong) {
    const gap = jitter(s) * clamp(GROWTH * (now - due), isWindow ? 0.03 * (now - s.at) : 1000, LONGEST_WAIT);
    s.next = now + Math.min(LONGEST_WAIT, now < due ? gap : Math.max(s.lull, gap));
  }
  if (isWindow) s.next = Math.max(s.next, s.at + 0.85 * s.last.length);
}

function slowDown(s: AdaptiveState, config: LimitConfig, now: number): void {
  const fits = Math.max(proof(s, now), BELOW * goodput(s, now));
  if (s.pace === 0) {
    s.pace = fits;
    s.ceil = config.max + 1;
  } else s.pace = Math.min(Math.max(fits, config.multiplicativeDecrease * s.pace), BELOW * paceNow(s, now));
  s.pace = Math.max(s.pace, SLOWEST);
}

/** A decrease is done: begins to watch what it does. */
function settle(s: AdaptiveState, now: number): void {
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
function budgeted(s: AdaptiveState, refused: number, now: number): number {
  const rate = Math.max(goodput(s, now), s.pace || s.limit / s.rtt);
  const charged = s.accepted < 50 ? 0 : Math.min(CHARGED, refused);
  return now + clamp(charged / WASTE / rate, 1000, LONGEST_HOLD);
}

function jitter(s: AdaptiveState): number {
  s.seed = (s.seed + GOLDEN) % 1;
  return 0.75 + 0.5 * s.seed;
}

// --- the service gets slow --------------------------------------------------------------------------------------------

/** Compares the median of some calls with that of an idle service. @returns whether it has decreased the limit */
function watchLatency(s: AdaptiveState, config: LimitConfig, took: number, now: number): boolean {
  // What comes back first after a change is what was fast: not a fair sample.
  if (s.base > 0 && now - s.from < 2 * s.rtt) return false;
  s.samples = [...s.samples, took];
  const n = s.samples.length;
  const size = s.base === 0 ? 10 : s.hold < 0 ? 30 : 100;
  if (n < size && (s.base === 0 || n < 20 || now - s.from < 5000 + 2 * s.rtt)) return false;
  const sorted = [...s.samples].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * n)] ?? 0;
  const median = at(0.5);
  s.samples = [];
  s.from = Math.max(s.from, now - 2 * s.rtt);
  if (s.base === 0) {
    s.base = median;
    return false;
  }
  // 10 % and four standard errors of a median.
  const tolerance = 1.1 * Math.exp((4 * Math.log(at(0.75) / at(0.25))) / Math.sqrt(n));
  if (median <= tolerance * s.base && median <= config.timeout / 3) {
    s.base += (median - s.base) * (median < s.base ? 0.2 : 0.02);
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
    return false;
  }
  s.limit = Math.max(config.initial, Math.floor((s.limit * 1.15 * s.base) / median));
  s.slow = true;
  s.peak = 0;
  s.ceil = s.limit + 1;
  s.hold = Math.max(s.hold, now + 10_000);
  s.cut = now;
  s.from = now;
  s.probe = -1;
  return true;
}

// --- the algorithm ----------------------------------------------------------------------------------------------------

function received(state: AdaptiveState, config: LimitConfig, feedback: Feedback, now: number): AdaptiveState {
  const s = { ...state, out: feedback.inFlight };
  if (feedback.kind === 'ok') accept(s, config, feedback, now);
  else if (feedback.kind === 'refused') refuse(s, config, feedback, feedback.hint ?? 0, now);
  else {
    if (wasProbe(s, feedback)) s.probe = -1;
    if (s.shut >= 0 && feedback.sentAt >= s.shut) retryLater(s, false, now);
    else if (feedback.kind === 'timeout' && feedback.sentAt > s.cut) {
      // Quickly undone: a single late answer is no overload, and many are seen by `watchLatency`.
      s.ceil = feedback.level;
      s.limit = Math.max(config.min, Math.floor(s.limit * config.multiplicativeDecrease));
      s.decreases++;
      settle(s, now);
    }
  }
  return s;
}

function sent(state: AdaptiveState, config: LimitConfig, now: number): AdaptiveState {
  const s = { ...state, out: state.out + 1 };
  if (s.out > s.top) {
    s.top = s.out;
    s.topAt = now;
  }
  if (s.left > 0) s.left--;
  if (s.shut >= 0) return s;
  // 20 ms may be caught up, as timers are coarse.
  if (s.pace > 0) s.next = Math.max(s.next, now - 20) + 1 / paceNow(s, now);
  const tries = !s.slow && s.ceil <= config.max && s.limit >= s.ceil && s.out >= s.ceil;
  if (tries && s.probe < 0) s.probe = now;
  return s;
}

function gate(s: AdaptiveState): number {
  return Math.max(s.next, s.left <= 0 ? s.until : 0);
}

function concurrency(s: AdaptiveState, config: LimitConfig, now: number): number {
  const isBlocked = s.shut >= 0 || (s.left <= 0 && now < s.until);
  if (isBlocked) return config.min;
  return s.pace > 0
    ? clamp(Math.round(paceNow(s, now) * s.rtt), config.min, config.max)
    : level(s, config, now);
}

/**
 * Finds the limit of a service from its answers, whatever it limits: calls in flight, calls per second or per window;
 * lives through bans and outages with few calls, and gives way when the service gets slow.
 *
 * Begins as {@link aimd} does. In the long run about 1 % of the calls are refused, which is what it learns from. The
 * state is plain JSON; jitters come from it, so equal histories give equal decisions.
 */
export const adaptive: LimitAlgorithm<AdaptiveState> = {
  start: (config, now) => ({
    limit: config.initial,
    ceil: config.max + 1,
    slow: false,
    pace: 0,
    next: now,
    hold: -1,
    cut: -1,
    peak: 0,
    doubt: 0,
    out: 0,
    probe: -1,
    top: 0,
    topAt: -1,
    at: now,
    ok: 0,
    refused: 0,
    shut: -1,
    tried: -1,
    lull: 0,
    cause: null,
    bad: -1,
    last: { ok: 0, rate: 0, length: 0, quota: false },
    accepted: 0,
    marks: [[now, 0]],
    acceptedAt: now,
    rtt: 500,
    base: 0,
    samples: [],
    from: now,
    streak: 0,
    left: 0,
    until: now,
    seed: (now * GOLDEN) % 1,
    decreases: 0,
  }),
  admit: (s, config, inFlight, now) =>
    inFlight >= level(s, config, now) ? Number.POSITIVE_INFINITY : waitUntil(gate(s), now),
  sent,
  received,
  observed: (s, _config, quota, inFlight, now) => ({ ...s, ...quotaLeft(quota, inFlight, now) }),
  concurrency,
  decreases: (s) => s.decreases,
};
