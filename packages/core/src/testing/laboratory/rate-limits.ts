// The rate limits of the simulated servers: bucket, fixed window, sliding window.
import type { RateLimitModel } from './scenario.js';

/** Calls or weight that a limit still holds, and ms until it holds all again. */
export interface LimitRoom {
  remaining: number;
  reset: number;
}

/** One limit. Its capacity is multiplied by `factor`, which the server sets. */
export interface RateLimit {
  /** Brings it to `now`; times never go back. */
  advance(now: number, factor: number): void;
  /** ms until it has room for `cost`; 0 = it has room now. */
  wait(cost: number): number;
  take(cost: number): void;
  room(): LimitRoom | undefined;
}

/** Sums of fractions miss whole numbers by a hair; a limit that is reached but for that is reached. */
const HAIR = 1e-9;

/** A token bucket; starts full. */
export class Bucket implements RateLimit {
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #now = 0;
  #factor = 1;

  /** @param rate - tokens per ms */
  constructor(rate: number, burst: number) {
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
  }

  advance(now: number, factor: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#now) * this.#rate * this.#factor);
    this.#now = now;
    this.#factor = factor;
  }

  wait(cost: number): number {
    const missing = Math.min(cost, this.#burst) - this.#tokens;
    return missing > HAIR ? missing / (this.#rate * this.#factor) : 0;
  }

  take(cost: number): void {
    this.#tokens -= cost;
  }

  /** Other traffic takes a token, also one that is not there yet, down to a debt of `burst`. */
  drain(): void {
    if (this.#tokens - 1 >= -this.#burst) this.#tokens -= 1;
  }

  room(): LimitRoom {
    return {
      remaining: Math.max(0, Math.floor(this.#tokens + HAIR)),
      reset: Math.ceil((this.#burst - this.#tokens) / (this.#rate * this.#factor)),
    };
  }
}

/** So many per window of the wall clock. */
class FixedWindow implements RateLimit {
  readonly #limit: number;
  readonly #window: number;
  readonly #phase: number;
  #used = 0;
  #index = 0;
  #now = 0;
  #factor = 1;

  constructor(limit: number, window: number, phase: number) {
    this.#limit = limit;
    this.#window = window;
    this.#phase = phase;
    this.#index = Math.floor(phase / window);
  }

  advance(now: number, factor: number): void {
    const index = Math.floor((now + this.#phase) / this.#window);
    if (index !== this.#index) this.#used = 0;
    this.#index = index;
    this.#now = now;
    this.#factor = factor;
  }

  wait(cost: number): number {
    return this.#used === 0 || this.#used + cost <= this.#limit * this.#factor + HAIR ? 0 : this.#left();
  }

  take(cost: number): void {
    this.#used += cost;
  }

  room(): LimitRoom {
    return {
      remaining: Math.max(0, Math.floor(this.#limit * this.#factor - this.#used + HAIR)),
      reset: Math.ceil(this.#left() / 1000) * 1000,
    };
  }

  #left(): number {
    return (this.#index + 1) * this.#window - this.#phase - this.#now;
  }
}

/** So many in any stretch of `window` ms. */
class SlidingWindow implements RateLimit {
  readonly #limit: number;
  readonly #window: number;
  #log: { at: number; cost: number }[] = [];
  #first = 0;
  #used = 0;
  #now = 0;
  #factor = 1;

  constructor(limit: number, window: number) {
    this.#limit = limit;
    this.#window = window;
  }

  advance(now: number, factor: number): void {
    this.#now = now;
    this.#factor = factor;
    for (let entry = this.#log[this.#first]; entry !== undefined; entry = this.#log[this.#first]) {
      if (entry.at + this.#window > now) break;
      this.#used -= entry.cost;
      this.#first++;
    }
    if (this.#first > 1000 && this.#first * 2 > this.#log.length) {
      this.#log = this.#log.slice(this.#first);
      this.#first = 0;
    }
  }

  wait(cost: number): number {
    let used = this.#used;
    for (let i = this.#first; i < this.#log.length; i++) {
      const entry = this.#log[i] as { at: number; cost: number }; // i < length
      if (used + cost <= this.#limit * this.#factor + HAIR)
        return i === this.#first ? 0 : (this.#log[i - 1]?.at ?? 0) + this.#window - this.#now;
      used -= entry.cost;
    }
    // Only an empty log has room for what is heavier than the limit.
    const last = this.#first < this.#log.length ? this.#log[this.#log.length - 1] : undefined;
    return last === undefined ? 0 : last.at + this.#window - this.#now;
  }

  take(cost: number): void {
    this.#log.push({ at: this.#now, cost });
    this.#used += cost;
  }

  room(): undefined {
    return undefined;
  }
}

/** The limit that a model describes. */
export function rateLimit(model: RateLimitModel): RateLimit {
  switch (model.kind) {
    case 'bucket':
      return new Bucket(model.rate / 1000, model.burst);
    case 'fixed':
      return new FixedWindow(model.limit, model.window, model.phase ?? 0);
    case 'sliding':
      return new SlidingWindow(model.limit, model.window);
  }
}
