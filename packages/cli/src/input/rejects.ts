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
  isLast?: true;
}

export class Rejects {
  readonly path: string;
  readonly #skip: boolean;
  readonly #first: string[] = [];
  #file: FileHandle | undefined;
  #isCut = false;
  total = 0;

  /** @param skip - whether the run goes on without them */
  constructor(path: string, skip: boolean) {
    this.path = path;
    this.#skip = skip;
  }

  /** Another reading begins. */
  begin(): void {
    this.total = 0;
    this.#first.length = 0;
    this.#isCut = false;
  }

  async add(reject: Rejected): Promise<void> {
    const { line, reason, piece = '', isLast = false } = reject;
    this.#isCut ||= isLast;
    this.total += 1;
    if (this.#first.length < SHOWN) {
      this.#first.push(`line ${count(line)} ${reason}${piece === '' ? '' : `: ${piece}`}`);
    }
    // Made with the first one only: without any, nothing is left behind.
    this.#file ??= await open(this.path, 'w');
    const row = 'value' in reject ? { line, reason, input: reject.value } : { line, reason, piece };
    await this.#file.write(`${JSON.stringify(row)}\n`);
  }

  /** @throws UsageError when there are any and they are not to be skipped */
  async end(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    if (this.total === 0 || (this.#skip && !this.#isCut)) return;
    throw new UsageError(`${plural(this.total, 'row')} cannot be used, so nothing was sent.`, [
      ...this.lines,
      this.#isCut
        ? 'What follows the last one cannot be read, so it cannot be skipped. Mend it.'
        : 'Mend them, or pass --skip-invalid to go on without them.',
    ]);
  }

  /** The first ones, and where all of them are. */
  get lines(): readonly string[] {
    const more = this.total - this.#first.length;
    return [...this.#first, `${more > 0 ? `and ${count(more)} more; ` : ''}all are in ${this.path}`];
  }
}
