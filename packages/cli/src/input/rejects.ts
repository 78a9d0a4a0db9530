// Rows that cannot be used: counted, the first ones kept for the message, all of them written to a file.
import { type FileHandle, open } from 'node:fs/promises';
import { count, plural } from '../text.js';
import { UsageError } from '../usage-error.js';

/** Rejects that a message shows. */
const SHOWN = 10;

interface Rejected {
  line: number;
  reason: string;
  /** The start of what could not be read. */
  piece?: string;
  /** What was read, and is not what the job takes. */
  value?: unknown;
}

export class Rejects {
  readonly path: string;
  readonly #skip: boolean;
  readonly #first: string[] = [];
  #file: FileHandle | undefined;
  total = 0;

  /** @param skip - whether the run goes on without them */
  constructor(path: string, skip: boolean) {
    this.path = path;
    this.#skip = skip;
  }

  async add(reject: Rejected): Promise<void> {
    const { line, reason, piece = '' } = reject;
    this.total += 1;
    if (this.#first.length < SHOWN) {
      this.#first.push(`line ${count(line)} ${reason}${piece === '' ? '' : `: ${piece}`}`);
    }
    // Made with the first one only: without any, nothing is left behind.
    this.#file ??= await open(this.path, 'w');
    const { value, ...rest } = reject;
    await this.#file.write(
      `${JSON.stringify(value === undefined ? rest : { line, reason, input: value })}\n`,
    );
  }

  /** @throws UsageError when there are any and they are not to be skipped */
  async end(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    if (this.total > 0 && !this.#skip) {
      throw new UsageError(`${plural(this.total, 'row')} cannot be used, so nothing was sent.`, [
        ...this.lines,
        'Mend them, or pass --skip-invalid to go on without them.',
      ]);
    }
  }

  /** The first ones, and where all of them are. */
  get lines(): readonly string[] {
    const more = this.total - this.#first.length;
    return [...this.#first, `${more > 0 ? `and ${count(more)} more; ` : ''}all are in ${this.path}`];
  }
}
