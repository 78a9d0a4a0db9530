// How far a run is, how fast it goes, and when that is told.
import type { Clock, Timer } from './clock.js';

/** The rate is taken over at least this many ms and this many settled jobs. */
const WINDOW_MS = 10_000;
const WINDOW_JOBS = 100;
/** What ends within so many ms is one sample. */
const SAMPLE_MS = 100;

/** Jobs that were settled by `at`; the sample began at `since`. ms of the run. */
interface Sample {
  since: number;
  at: number;
  settled: number;
}

/** Time of a run without its pauses, and the recent rate of settled jobs. */
export class ProgressMeter {
  readonly #clock: Clock;
  #elapsed = 0;
  #runningSince: number | undefined;
  readonly #samples: Sample[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    this.#runningSince ??= this.#clock.monotonic();
  }

  stop(): void {
    this.#elapsed = this.elapsed;
    this.#runningSince = undefined;
  }

  /** ms since the first start, pauses excluded. */
  get elapsed(): number {
    const running = this.#runningSince === undefined ? 0 : this.#clock.monotonic() - this.#runningSince;
    return Math.round(this.#elapsed + running);
  }

  /** Notes how many jobs of the task are settled by now. */
  note(settled: number): void {
    const at = this.elapsed;
    const last = this.#samples.at(-1);
    if (settled === last?.settled) return;
    if (last !== undefined && at - last.since < SAMPLE_MS) Object.assign(last, { at, settled });
    else this.#samples.push({ since: at, at, settled });
    for (;;) {
      const second = this.#samples[1];
      if (second === undefined || at - second.at < WINDOW_MS || settled - second.settled < WINDOW_JOBS)
        return;
      this.#samples.shift();
    }
  }

  /** ms until `left` more jobs are settled at the recent rate; null while there is no rate. */
  remaining(left: number): number | null {
    if (left === 0) return 0;
    const recent = this.#recent();
    if (recent === undefined) return null;
    const { whole, last, perJob } = recent;
    const sinceWhole = (left + last.settled - whole.settled) * perJob;
    return Math.max(0, Math.round(whole.at + sinceWhole - this.elapsed));
  }

  /** Jobs settled per second lately, also counting the time since the last one; null while there is no rate. */
  get rate(): number | null {
    const recent = this.#recent();
    if (recent === undefined) return null;
    const { first, whole, last, perJob } = recent;
    const idle = this.elapsed - last.at;
    return idle <= 2 * perJob ? 1000 / perJob : 1000 / (perJob + idle / (whole.settled - first.settled));
  }

  #recent(): { first: Sample; whole: Sample; last: Sample; perJob: number } | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    // Jobs that were started together end together: of the last sample perhaps not all has come.
    const whole = this.#samples.length > 2 ? this.#samples.at(-2) : last;
    if (!(first && last && whole) || whole.settled <= first.settled) return undefined;
    return { first, whole, last, perJob: (whole.at - first.at) / (whole.settled - first.settled) };
  }
}

/** Calls `tell` at most once every `interval` ms, and not without a change. */
export class Throttle {
  readonly #clock: Clock;
  readonly #interval: () => number;
  readonly #tell: () => void;
  #toldAt = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(clock: Clock, interval: () => number, tell: () => void) {
    this.#clock = clock;
    this.#interval = interval;
    this.#tell = tell;
  }

  changed(): void {
    if (this.#timer !== undefined) return;
    const wait = this.#toldAt + this.#interval() - this.#clock.monotonic();
    if (wait <= 0) this.now();
    else this.#timer = this.#clock.setTimeout(() => this.now(), wait);
  }

  /** Tells at once. */
  now(): void {
    this.stop();
    this.#toldAt = this.#clock.monotonic();
    this.#tell();
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
