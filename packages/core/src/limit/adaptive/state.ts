// What the adaptive controller remembers.
import type { LimitConfig } from '../controller.js';

/** Plain JSON. Times are monotonic ms, −1 = never; rates are calls per ms. */
export interface AdaptiveState {
  /** Calls that may be in flight; while paced, the bound that a known `ceil` sets. */
  limit: number;
  /** Lowest level known to be refused or slow; max + 1 = none. */
  ceil: number;
  /** Whether `ceil` is where latency grew, not where calls were refused. */
  slow: boolean;
  /** Whether `ceil` is where a call took too long, not where one was refused. */
  late: boolean;
  /** Rate that is sent evenly; 0 = not paced. */
  pace: number;
  /** No call before. */
  next: number;
  /** Until when a refusal asked to wait. */
  asked: number;
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
  marks: [at: number, accepted: number][];
  acceptedAt: number;
  /** Mean latency in ms, 1/20 per call. */
  rtt: number;
  /** Median latency in ms of a service that is not loaded; 0 = unknown. */
  base: number;
  /** Latencies that `base` is made of. */
  known: number;
  /** Latencies being collected, from the moment `from`. */
  samples: number[];
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

/** The step of the golden ratio spreads jitters evenly, also between clients that begin at different times. */
export const GOLDEN = 0.618_033_988_75;

export function startState(config: LimitConfig, now: number): AdaptiveState {
  return {
    limit: config.initial,
    ceil: config.max + 1,
    slow: false,
    late: false,
    pace: 0,
    next: now,
    asked: now,
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
    known: 0,
    samples: [],
    from: now,
    streak: 0,
    left: 0,
    until: now,
    seed: (now * GOLDEN) % 1,
    decreases: 0,
  };
}
