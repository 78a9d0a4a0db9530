// A controller at work: its state, and the questions the dispatcher asks it. Times are monotonic ms.
import type { RunConfig } from '../config.js';
import { adaptive } from './adaptive.js';
import { aimd } from './aimd.js';
import type { Explanation, Feedback, LimitAlgorithm, LimitConfig, Quota } from './controller.js';

const ALGORITHMS = { aimd, adaptive } satisfies Record<RunConfig['algorithm'], unknown>;

/** Decides how many handlers may run. */
export class Limiter {
  readonly #algorithm: LimitAlgorithm<unknown>;
  readonly #config: LimitConfig;
  #state: unknown;
  #sends = 0;
  #refusals = 0;

  constructor(config: RunConfig, now: number) {
    // Each algorithm sees only states that it made itself.
    this.#algorithm = ALGORITHMS[config.algorithm] as LimitAlgorithm<unknown>;
    this.#config = config.limit;
    this.#state = this.#algorithm.start(this.#config, now);
  }

  /** How many calls may be sent now beside the `inFlight` ones. */
  room(inFlight: number, now: number): number {
    const room = this.#algorithm.room(this.#state, this.#config, inFlight, now);
    return Math.max(0, Math.min(room, this.#config.max - inFlight));
  }

  /** ms until the next call may be sent; Infinity = not before one comes back. */
  wait(inFlight: number, now: number): number {
    if (inFlight >= this.#config.max) return Number.POSITIVE_INFINITY;
    return this.#algorithm.admit(this.#state, this.#config, inFlight, now);
  }

  /** Calls that were sent so far. */
  get sends(): number {
    return this.#sends;
  }

  sent(now: number): void {
    this.#sends += 1;
    this.#state = this.#algorithm.sent(this.#state, this.#config, now);
  }

  /** @returns whether the answer caused a decrease or a block */
  received(feedback: Feedback, now: number): boolean {
    if (feedback.kind === 'refused') this.#refusals += 1;
    const before = this.#algorithm.decreases(this.#state);
    this.#state = this.#algorithm.received(this.#state, this.#config, feedback, now);
    return this.#algorithm.decreases(this.#state) > before;
  }

  /** @param sends - calls that had been sent when the one was that got this answer */
  observed(quota: Quota, sends: number, inFlight: number, now: number): void {
    // The service may have counted neither what was sent later nor what is on its way.
    const uncounted = Math.max(inFlight, this.#sends - sends);
    this.#state = this.#algorithm.observed(this.#state, this.#config, quota, uncounted, now);
  }

  /** Calls that were refused so far. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Why it admits what it admits. */
  explain(now: number): Explanation {
    return this.#algorithm.explain(this.#state, this.#config, now);
  }

  /** What is admitted now, a whole number in [min, max]. */
  concurrency(now: number): number {
    return this.#algorithm.concurrency(this.#state, this.#config, now);
  }
}
