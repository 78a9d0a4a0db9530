// Where the program writes: people read standard error, programs standard output.
import picocolors from 'picocolors';

type Colors = ReturnType<typeof picocolors.createColors>;

/** The two streams, and whether what is written there may have colours. */
export class Terminal {
  readonly colors: Colors;
  readonly #out: NodeJS.WriteStream;
  readonly #err: NodeJS.WriteStream;

  constructor(
    out: NodeJS.WriteStream = process.stdout,
    err: NodeJS.WriteStream = process.stderr,
    env: NodeJS.ProcessEnv = process.env,
  ) {
    this.#out = out;
    this.#err = err;
    const isPlain = (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb';
    this.colors = picocolors.createColors(!isPlain && (err.isTTY || (env.FORCE_COLOR ?? '') !== ''));
  }

  /** Whether a person looks at standard error, and lines there can be written anew. */
  get isLive(): boolean {
    return this.#err.isTTY === true && process.env.TERM !== 'dumb';
  }

  get err(): NodeJS.WriteStream {
    return this.#err;
  }

  /** A line for people. */
  say(line = ''): void {
    this.#err.write(`${line}\n`);
  }

  /** A JSON value on a line of standard output. Resolves when there is room for the next. */
  json(value: unknown): Promise<void> {
    return this.print(`${JSON.stringify(value)}\n`);
  }

  /** Text for standard output. Resolves when there is room for more. */
  async print(text: string): Promise<void> {
    if (this.#out.write(text)) return;
    await new Promise<void>((resolve) => {
      // A reader that went away (`| head`) ends the program: see main.ts.
      this.#out.once('drain', resolve);
    });
  }
}
