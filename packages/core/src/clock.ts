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
  document?: { readonly hidden: boolean; addEventListener(event: string, listener: () => void): void };
  Worker?: new (url: string) => TimerWorker;
  Blob?: new (parts: string[], options: { type: string }) => unknown;
  URL: { createObjectURL(blob: unknown): string };
}
interface TimerWorker {
  onmessage: ((event: { data: number }) => void) | null;
  onerror: ((event: { preventDefault(): void }) => void) | null;
  postMessage(message: [id: number, ms: number]): void;
}
const globals = globalThis as unknown as Globals;

/** Longest delay that the timers of the runtimes take; a longer one fires at once there. */
const MAX_TIMER = 2 ** 31 - 1;

interface Timers {
  set(callback: () => void, ms: number): unknown;
  clear(timer: unknown): void;
}

/**
 * Timers of a page, which go off in time while it is hidden. Browsers hold a page's own timers back then, for a second
 * at first and for a minute later, but not those of its workers: while the page is hidden, a worker wakes it. Without
 * one (a policy that forbids it) they are as late as the browser has them.
 */
class PageTimers implements Timers {
  readonly #pending = new Map<number, { callback: () => void; own: unknown; until: number }>();
  readonly #document: NonNullable<Globals['document']>;
  #nextId = 1;
  #worker: TimerWorker | null | undefined;

  constructor(document: NonNullable<Globals['document']>) {
    this.#document = document;
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) return;
      for (const [id, { until }] of this.#pending) this.#wakeAfter(id, until - globals.performance.now());
    });
  }

  set(callback: () => void, ms: number): unknown {
    const id = this.#nextId++;
    const own = globals.setTimeout(() => this.#fire(id), ms);
    this.#pending.set(id, { callback, own, until: globals.performance.now() + ms });
    if (this.#document.hidden) this.#wakeAfter(id, ms);
    return id;
  }

  clear(timer: unknown): void {
    const id = timer as number; // Only `set` makes them.
    globals.clearTimeout(this.#pending.get(id)?.own);
    this.#pending.delete(id);
  }

  /** Whoever comes first, the own timer or the worker, makes the call. */
  #fire(id: number): void {
    const timer = this.#pending.get(id);
    if (timer === undefined) return;
    this.clear(id);
    timer.callback();
  }

  #wakeAfter(id: number, ms: number): void {
    if (this.#worker === undefined) this.#worker = this.#startWorker();
    this.#worker?.postMessage([id, Math.max(0, ms)]);
  }

  #startWorker(): TimerWorker | null {
    const { Worker, Blob, URL } = globals;
    if (Worker === undefined || Blob === undefined) return null;
    const code = 'onmessage = ({ data: [id, ms] }) => setTimeout(postMessage, ms, id)';
    try {
      const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
      worker.onmessage = ({ data }) => this.#fire(data);
      worker.onerror = (event) => event.preventDefault(); // Forbidden by a policy; nothing is printed.
      return worker;
    } catch {
      return null; // The same, in other browsers.
    }
  }
}

let chosen: Timers | undefined;

function timers(): Timers {
  chosen ??= globals.document === undefined ? ownTimers : new PageTimers(globals.document);
  return chosen;
}

const ownTimers: Timers = {
  set: (callback, ms) => globals.setTimeout(callback, ms),
  clear: (timer) => globals.clearTimeout(timer),
};

class LongTimer {
  #timer: unknown;
  constructor(callback: () => void, ms: number) {
    const until = globals.performance.now() + ms;
    const step = (): void => {
      const left = until - globals.performance.now();
      if (left <= 0) callback();
      else this.#timer = timers().set(step, Math.min(left, MAX_TIMER));
    };
    step();
  }
  clear(): void {
    timers().clear(this.#timer);
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
    return ms > MAX_TIMER ? new LongTimer(callback, ms) : timers().set(callback, Math.max(0, ms));
  },
  clearTimeout(timer) {
    if (timer instanceof LongTimer) timer.clear();
    else timers().clear(timer);
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
