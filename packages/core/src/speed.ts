// What a run remembers of its speed.
import type { Pacing } from './jobs-in-hand.js';
import { rounded } from './limit/words.js';
import type { SpeedSample } from './types.js';

/** Least ms between two samples at first; doubled whenever there are too many. */
const INTERVAL_MS = 1000;
const MOST_SAMPLES = 240;

/** A pace in calls per ms as users see it. */
export function shownPace({ pace }: Pick<Pacing, 'pace'>): number | null {
  return pace > 0 ? rounded(pace * 1000) : null;
}

/** A bounded history: however long a run is, at most 240 samples that cover all of it. */
export class SpeedLog {
  readonly #samples: SpeedSample[] = [];
  #interval = INTERVAL_MS;
  /** What the next sample counts from. */
  #since: { time: number; settled: number; refusals: number };

  /** @param settled - jobs of the task that were settled before the run */
  constructor(settled: number) {
    this.#since = { time: 0, settled, refusals: 0 };
  }

  /** Whether so much time has passed that {@link note} is worth its work. */
  isDue(elapsed: number): boolean {
    return this.#samples.length === 0 || elapsed - this.#since.time >= this.#interval;
  }

  /** @param settled - jobs of the task that are settled by now */
  note(time: number, settled: number, pacing: Pacing): void {
    const { limit, inFlight, refusals } = pacing;
    const seconds = (time - this.#since.time) / 1000;
    this.#samples.push({
      time,
      limit,
      inFlight,
      pace: shownPace(pacing),
      rate: seconds > 0 ? rounded((settled - this.#since.settled) / seconds) : 0,
      refusals: refusals - this.#since.refusals,
    });
    this.#since = { time, settled, refusals };
    if (this.#samples.length >= MOST_SAMPLES) this.#thin();
  }

  /** Copies. */
  get samples(): SpeedSample[] {
    return this.#samples.map((sample) => ({ ...sample }));
  }

  /** Of two neighbours one is left: the later one, with the rate and the refusals of both. */
  #thin(): void {
    this.#interval *= 2;
    const whole = this.#samples.splice(0);
    let before = 0;
    for (const [i, sample] of whole.entries()) {
      const earlier = i % 2 === 1 ? whole[i - 1] : undefined;
      if (earlier !== undefined) {
        const jobs = earlier.rate * (earlier.time - before) + sample.rate * (sample.time - earlier.time);
        const ms = sample.time - before;
        this.#samples.push({
          ...sample,
          rate: ms > 0 ? rounded(jobs / ms) : 0,
          refusals: earlier.refusals + sample.refusals,
        });
        before = sample.time;
      }
    }
  }
}
