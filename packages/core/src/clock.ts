// Time. The only file of the engine that touches timers and `Date`; tests and the laboratory replace it.

/** A running timer; opaque. */
export type Timer = unknown;

/** Where the engine takes its time from. */
export interface Clock {
  /** Wall time in whole ms since 1970: what is stored. */
  now(): number;
  /** ms from any fixed moment, never set back: what is measured. */
  monotonic(): number;
  /** Calls back once after `ms`, which may exceed 2^31 − 1; `Infinity` never. Keeps the process alive meanwhile. */
  setTimeout(callback: () => void, ms: number): Timer;
  clearTimeout(timer: Timer): void;
  /** Calls back after everything that ends in this turn of the event loop has ended; never a timer of 0. */
  turn(callback: () => void): void;
}

interface Globals {
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  setImmediate?(callback: () => void): unknown;
  MessageChannel?: new () => {
    port1: { onmessage: (() => void) | null };
    port2: { postMessage(message: unknown): void };
  };
  performance: { now(): number };
}
const globals = globalThis as unknown as Globals;

/** Longest delay that the timers of the runtimes take; a longer one fires at once there. */
const MAX_TIMER = 2 ** 31 - 1;

class LongTimer {
  #timer: unknown;
  constructor(callback: () => void, ms: number) {
    const until = globals.performance.now() + ms;
    const step = (): void => {
      const left = until - globals.performance.now();
      if (left <= 0) callback();
      else this.#timer = globals.setTimeout(step, Math.min(left, MAX_TIMER));
    };
    step();
  }
  clear(): void {
    globals.clearTimeout(this.#timer);
  }
}

// Browsers have no setImmediate; a message to oneself is the quickest turn they offer, and is not throttled in
// hidden tabs.
function messageTurn(): (callback: () => void) => void {
  const Channel = globals.MessageChannel;
  if (Channel === undefined) return (callback) => void globals.setTimeout(callback, 0);
  const channel = new Channel();
  const waiting: (() => void)[] = [];
  channel.port1.onmessage = () => waiting.shift()?.();
  return (callback) => {
    waiting.push(callback);
    channel.port2.postMessage(null);
  };
}

const immediate = globals.setImmediate;
let turn: ((callback: () => void) => void) | undefined =
  immediate === undefined ? undefined : (callback) => void immediate(callback);

/** The clock of the runtime. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => globals.performance.now(),
  setTimeout(callback, ms) {
    return ms > MAX_TIMER ? new LongTimer(callback, ms) : globals.setTimeout(callback, Math.max(0, ms));
  },
  clearTimeout(timer) {
    if (timer instanceof LongTimer) timer.clear();
    else globals.clearTimeout(timer);
  },
  turn(callback) {
    turn ??= messageTurn();
    turn(callback);
  },
};

/** A promise of the next turn; see {@link Clock.turn}. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.turn(resolve));
}
