// Events per second over the last ten seconds.

const WINDOW_MS = 10_000;

export class Rate {
  readonly #samples: { at: number; count: number }[] = [];

  /**
   * @param count - how many there were so far
   * @param at - ms, growing
   */
  note(count: number, at: number): void {
    this.#samples.push({ at, count });
    while ((this.#samples[1]?.at ?? at) < at - WINDOW_MS) this.#samples.shift();
  }

  /** null until there are two samples a second apart. */
  get value(): number | null {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.at - first.at < 1000) return null;
    return ((last.count - first.count) * 1000) / (last.at - first.at);
  }
}
