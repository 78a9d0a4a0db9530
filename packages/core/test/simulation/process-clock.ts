// The clock of one simulated process: it can be set wrong, its event loop can be blocked, and it stops with the process.
import type { Clock, Timer } from '../../src/clock.js';
import type { VirtualClock } from '../../src/testing/virtual-clock.js';

interface Entry {
  timer: Timer;
}

export class ProcessClock implements Clock {
  readonly #world: VirtualClock;
  readonly #timers = new Set<Entry>();
  #isDead = false;
  #blockedUntil = 0;
  #hearing = 0;
  /** ms that the wall clock of this process is ahead of the world's. */
  skew = 0;

  constructor(world: VirtualClock) {
    this.#world = world;
  }

  now(): number {
    return this.#world.now() + this.skew;
  }

  monotonic(): number {
    return this.#world.monotonic();
  }

  /** Timers that are set; not those of {@link hears}. */
  get pending(): number {
    return this.#timers.size - this.#hearing;
  }

  setTimeout(callback: () => void, ms: number): Timer {
    const entry: Entry = { timer: undefined };
    if (this.#isDead || ms === Number.POSITIVE_INFINITY) return entry;
    this.#timers.add(entry);
    const fire = (): void => {
      const blocked = this.#blockedUntil - this.monotonic();
      if (blocked > 0) {
        entry.timer = this.#world.setTimeout(fire, blocked);
        return;
      }
      this.#timers.delete(entry);
      callback();
    };
    entry.timer = this.#world.setTimeout(fire, ms);
    return entry;
  }

  clearTimeout(timer: Timer): void {
    const entry = timer as Entry | undefined; // only this class makes them
    if (entry === undefined || !this.#timers.delete(entry)) return;
    this.#world.clearTimeout(entry.timer);
  }

  turn(callback: () => void): void {
    if (this.#isDead) return;
    if (this.#blockedUntil > this.monotonic()) this.setTimeout(callback, 0);
    else this.#world.turn(() => void (this.#isDead || callback()));
  }

  /** Nothing of this process happens for `ms`: a blocked event loop, a stopped process. */
  block(ms: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, this.monotonic() + ms);
  }

  /** Resolves when the event loop can hear of an answer; never in a dead process. */
  async hears(): Promise<void> {
    while (this.#blockedUntil > this.monotonic()) await this.#nextTurn();
    if (this.#isDead) await new Promise(() => undefined);
  }

  async #nextTurn(): Promise<void> {
    this.#hearing += 1;
    await new Promise<void>((resolve) => this.setTimeout(resolve, 0));
    this.#hearing -= 1;
  }

  /** The process is gone: no timer of it fires any more. */
  die(): void {
    this.#isDead = true;
    for (const { timer } of this.#timers) this.#world.clearTimeout(timer);
    this.#timers.clear();
  }
}
