// How far a dynamic source is read ahead of the jobs that run.

/** Lets the source be read while fewer than `limit` jobs are pending. */
export class LookAhead {
  readonly #limit: () => number;
  #pending = 0;
  #isPaused = false;
  #waiting: (() => void) | undefined;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** How many inputs may be read now; waits until the pending jobs are down to half of the limit. */
  async room(): Promise<number> {
    while (this.#isPaused || this.#pending > this.#limit() / 2) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return Math.max(1, this.#limit() - this.#pending);
  }

  update(pending: number): void {
    this.#pending = pending;
    this.#waiting?.();
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#waiting?.();
  }

  /** Lets whoever waits go on, to find out that the run is over. */
  close(): void {
    this.#pending = 0;
    this.pause(false);
  }
}
