// The seam between the dispatcher and a controller: pure functions over a plain state, times in monotonic ms.

/** Knobs that every controller takes, validated and complete. */
export interface LimitConfig {
  min: number;
  max: number;
  initial: number;
  additiveIncrease: number;
  multiplicativeDecrease: number;
  successThreshold: number;
  /** ms that a call may take, Infinity for no limit. */
  timeout: number;
}

/** What came back for one call. `failed` says nothing about the limit (an error of the job itself). */
export type Feedback = {
  /** When the call was sent. */
  sentAt: number;
  /** Calls in flight when it was sent, itself included. */
  level: number;
  /** Calls in flight now, itself not included. */
  inFlight: number;
} & (
  | { kind: 'ok' }
  | { kind: 'failed' }
  | { kind: 'timeout' }
  /** `hint`: ms that the server asked to wait, if it did. */
  | { kind: 'refused'; hint?: number | undefined }
);

/** What an answer said about its limit: calls left, and ms until there are more. */
export interface Quota {
  remaining: number;
  reset: number;
}

/** What a controller says of itself. */
export interface Explanation {
  /** Why it admits what it admits, in words and numbers. */
  reason: string;
  /** Calls per ms that it sends evenly; 0 where only calls in flight are bounded. */
  pace: number;
}

/**
 * A controller: decides when the next call may be sent. The state is plain JSON, and all that a decision depends on.
 * What `sent`, `received` and `observed` are given is used up: they may write into it, and give the state that holds
 * from then on.
 */
export interface LimitAlgorithm<S> {
  start(config: LimitConfig, now: number): S;
  /** ms until the next call may be sent with `inFlight` calls out; 0 = now; Infinity = not before one comes back. */
  admit(state: S, config: LimitConfig, inFlight: number, now: number): number;
  /** How many calls may be sent now beside the `inFlight` ones; `admit` gives 0 until as many were sent. */
  room(state: S, config: LimitConfig, inFlight: number, now: number): number;
  /** A call was sent. */
  sent(state: S, config: LimitConfig, now: number): S;
  /** A call came back. */
  received(state: S, config: LimitConfig, feedback: Feedback, now: number): S;
  /** An answer told its quota (headers of an accepted answer, or of a refusal), `uncounted` calls perhaps not in it. */
  observed(state: S, config: LimitConfig, quota: Quota, uncounted: number, now: number): S;
  /** What is admitted now, a whole number in [min, max]: shown to users. */
  concurrency(state: S, config: LimitConfig, now: number): number;
  /** Why it admits what it admits. */
  explain(state: S, config: LimitConfig, now: number): Explanation;
  /** How often a refusal or a timeout has caused a decrease or a block; grows only. */
  decreases(state: S): number;
}
