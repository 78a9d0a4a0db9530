// What the user has to mend before anything can be run.

/** Shown without a stack; the program ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** Further lines under the message: what is wrong in detail, or what to do. */
  readonly lines: readonly string[];

  constructor(message: string, lines: readonly string[] = [], options?: ErrorOptions) {
    super(message, options);
    this.lines = lines;
  }
}
