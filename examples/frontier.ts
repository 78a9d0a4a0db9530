// A stream that is fed while it is read, and ends when nothing that it gave out is still in work.

export class Frontier<T extends string> implements AsyncIterable<T> {
  readonly #known = new Set<T>();
  readonly #open = new Set<T>();
  #waiting: T[] = [];
  #wake: () => void = () => undefined;

  /** Adds those that were never added before. */
  add(items: readonly T[]): void {
    for (const item of items) {
      if (this.#known.has(item)) continue;
      this.#known.add(item);
      this.#open.add(item);
      this.#waiting.push(item);
    }
    this.#wake();
  }

  /** The item is settled. */
  done(item: T): void {
    this.#open.delete(item);
    this.#wake();
  }

  /** The item was settled earlier: it is not given out, now or later. */
  skip(item: T): void {
    this.#known.add(item);
    this.#waiting = this.#waiting.filter((other) => other !== item);
    this.done(item);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const item = this.#waiting.shift();
      if (item !== undefined) yield item;
      else if (this.#open.size === 0) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
