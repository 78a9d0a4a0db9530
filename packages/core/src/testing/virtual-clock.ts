// Virtual time: a clock that jumps from one timer to the next, so that hours of a run pass in milliseconds.
import { type Clock, nextTurn, systemClock, type Timer } from '../clock.js';

interface Entry {
  at: number;
  /** Breaks ties: timers of one instant fire in the order in which they were set. */
  order: number;
  /** `null` once fired or cleared. */
  callback: (() => void) | null;
}

/** How often the real event loop is given a chance before an unsettled promise counts as a deadlock. */
const LAST_CHANCES = 100;

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/**
 * A clock whose time passes only while {@link run} or {@link advance} drive it, and then at once.
 *
 * One step is: every promise reaction that can run, runs (the step waits for one real turn of the event loop, about
 * 1.5 µs in Node, which is the one reliable sign that no microtask is left); then the next timer of this instant; when
 * there is none, the callbacks of {@link turn} that were waiting, together; when there are none, time jumps to the
 * next timer. So a `turn` callback runs after all work of its instant, and equal programs run in equal order. Work
 * outside promises (worker threads, sockets, files) is not waited for, apart from a few real milliseconds before a
 * deadlock is declared.
 *
 * @example
 * const clock = new VirtualClock();
 * let rang = false;
 * clock.setTimeout(() => { rang = true; }, 3_600_000);
 * await clock.advance(3_600_000);
 * rang; // true
 */
export class VirtualClock implements Clock {
  readonly #start: number;
  #time = 0;
  #order = 0;
  #heap: Entry[] = [];
  #cleared = 0;
  #turns: (() => void)[] = [];
  #driven = false;

  /** @param start - wall time in ms since 1970 at which it begins. Monotonic time begins at 0. */
  constructor(start: number = Date.UTC(2024, 0, 1)) {
    this.#start = start;
  }

  now(): number {
    return Math.floor(this.#start + this.#time);
  }

  monotonic(): number {
    return this.#time;
  }

  /** Timers that are set, cleared ones not included. */
  get pending(): number {
    return this.#heap.length - this.#cleared;
  }

  setTimeout(callback: () => void, ms: number): Timer {
    const entry: Entry = { at: this.#time + Math.max(ms || 0, 0), order: this.#order++, callback };
    if (entry.at < Infinity) this.#push(entry);
    return entry;
  }

  clearTimeout(timer: Timer): void {
    // Only this class makes timers.
    const entry = timer as Entry | null | undefined;
    if (!entry?.callback) return;
    entry.callback = null;
    if (entry.at === Infinity) return;
    this.#cleared++;
    // Timeouts of calls are nearly always cleared: without this the heap would hold 30 s of them.
    if (this.#cleared > 64 && this.#cleared * 2 > this.#heap.length) this.#compact();
  }

  turn(callback: () => void): void {
    this.#turns.push(callback);
  }

  /**
   * Lets time pass until `until` is settled or true; without it, until nothing is scheduled any more.
   *
   * @param until - a promise, whose value is returned and whose rejection is thrown, or a condition, looked at after
   * every step
   * @throws Error `nothing left to do` when it cannot come true: no timer is set, no turn waits, no promise moves
   */
  run<T>(until: PromiseLike<T>): Promise<T>;
  run(until?: () => boolean): Promise<void>;
  async run<T>(until?: PromiseLike<T> | (() => boolean)): Promise<T | undefined> {
    if (until === undefined || typeof until === 'function') {
      await this.#drive(Infinity, until ?? (() => false), until !== undefined);
      return undefined;
    }
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    until.then(settle, settle);
    await this.#drive(Infinity, () => settled, true);
    return until;
  }

  /** Lets `ms` of time pass, with all that falls due in them (the last instant included). */
  async advance(ms: number): Promise<void> {
    const end = this.#time + ms;
    await this.#drive(end, () => false, false);
    this.#time = Math.max(this.#time, end);
  }

  async #drive(end: number, done: () => boolean, must: boolean): Promise<void> {
    if (this.#driven) throw new Error('this virtual clock is being driven already');
    this.#driven = true;
    try {
      let chances = 0;
      for (;;) {
        await nextTurn(systemClock);
        if (done()) return;
        if (this.#step(end)) chances = 0;
        else if (!must) return;
        else if (chances++ < LAST_CHANCES) await new Promise<void>((go) => systemClock.setTimeout(go, 1));
        else
          throw new Error(`nothing left to do at ${this.#time} ms, and what was waited for has not happened`);
      }
    } finally {
      this.#driven = false;
    }
  }

  /** Runs what comes next up to `end`; whether there was something. */
  #step(end: number): boolean {
    const next = this.#peek();
    if (next !== undefined && next.at <= this.#time) return this.#fire(next);
    if (this.#turns.length > 0) {
      const turns = this.#turns;
      this.#turns = [];
      for (const callback of turns) callback();
      return true;
    }
    if (next === undefined || next.at > end) return false;
    this.#time = next.at;
    return this.#fire(next);
  }

  #fire(entry: Entry): true {
    this.#pop();
    const callback = entry.callback;
    entry.callback = null;
    callback?.();
    return true;
  }

  #peek(): Entry | undefined {
    while (this.#heap[0]?.callback === null) {
      this.#pop();
      this.#cleared--;
    }
    return this.#heap[0];
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.length;
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up] as Entry; // up < heap.length
      if (!before(entry, parent)) break;
      heap[i] = parent;
      i = up;
    }
    heap[i] = entry;
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#sink(last, 0);
  }

  #sink(entry: Entry, from: number): void {
    const heap = this.#heap;
    let i = from;
    for (;;) {
      let child = 2 * i + 1;
      const left = heap[child];
      const right = heap[child + 1];
      if (left === undefined) break;
      let least = left;
      if (right !== undefined && before(right, left)) {
        least = right;
        child++;
      }
      if (!before(least, entry)) break;
      heap[i] = least;
      i = child;
    }
    heap[i] = entry;
  }

  #compact(): void {
    this.#heap = this.#heap.filter((entry) => entry.callback !== null);
    this.#cleared = 0;
    for (let i = (this.#heap.length >> 1) - 1; i >= 0; i--) this.#sink(this.#heap[i] as Entry, i);
  }
}
