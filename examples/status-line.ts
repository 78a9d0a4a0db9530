// One line that shows how far a run is: updated in place on a terminal, else a new line every few seconds.

const SECONDS_BETWEEN_LINES = 3;

export class StatusLine {
  readonly #stream: NodeJS.WriteStream;
  #shownAt = Number.NEGATIVE_INFINITY;
  #last = '';

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream;
  }

  show(text: string): void {
    this.#last = text;
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\x1b[2K${text.slice(0, (this.#stream.columns || 80) - 1)}`);
    } else if (performance.now() - this.#shownAt >= SECONDS_BETWEEN_LINES * 1000) {
      this.#shownAt = performance.now();
      this.#stream.write(`${text}\n`);
    }
  }

  /** Writes a line of its own. */
  print(text: string): void {
    this.#stream.write(this.#stream.isTTY ? `\r\x1b[2K${text}\n` : `${text}\n`);
    if (this.#stream.isTTY) this.#stream.write(this.#last);
  }

  /** Leaves the last state on the terminal. */
  end(): void {
    if (this.#last !== '') this.#stream.write(this.#stream.isTTY ? '\n' : `${this.#last}\n`);
    this.#last = '';
  }
}

/** Events per second over the last `seconds`. */
export class Rate {
  readonly #ms: number;
  readonly #samples: { at: number; count: number }[] = [];

  constructor(seconds = 5) {
    this.#ms = seconds * 1000;
  }

  /** @param count - how many there were so far */
  note(count: number): number {
    const at = performance.now();
    this.#samples.push({ at, count });
    while ((this.#samples[1]?.at ?? at) < at - this.#ms) this.#samples.shift();
    const first = this.#samples[0];
    return first === undefined || at === first.at ? 0 : ((count - first.count) * 1000) / (at - first.at);
  }
}
