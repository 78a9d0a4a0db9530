// The input of a run: a file or standard input, read as rows, checked against the schema of the job.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { problemsOf, type Schema } from '../schema.js';
import { UsageError } from '../usage-error.js';
import { readCsv } from './csv.js';
import { readJsonLines, readTextLines } from './lines.js';
import type { Rejects } from './rejects.js';
import { INPUT_FORMATS, type InputFormat, type Items, isReject } from './row.js';

const BY_EXTENSION: Readonly<{ [extension: string]: InputFormat }> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.csv': 'csv',
  '.tsv': 'csv',
  '.txt': 'lines',
};

/** How far the reading of an input is. */
export interface ReadingProgress {
  rows: number;
  /** 0 to 1; null for standard input. */
  share: number | null;
}

export class Input {
  /** `-` for standard input. */
  readonly path: string;
  readonly format: InputFormat;
  readonly #size: number | undefined;
  #bytes = 0;
  /** Rows of the last reading that are as they should be. */
  rows = 0;

  private constructor(path: string, format: InputFormat, size: number | undefined) {
    this.path = path;
    this.format = format;
    this.#size = size;
  }

  /** @throws UsageError when there is no such file, or nobody can tell what is in it */
  static async open(path: string, format?: InputFormat): Promise<Input> {
    const guess = format ?? BY_EXTENSION[extname(path).toLowerCase()];
    if (guess === undefined) {
      const what = path === '-' ? 'standard input' : path;
      throw new UsageError(
        `What is in ${what} is not clear from its name. Pass --format ${INPUT_FORMATS.join('|')}.`,
      );
    }
    if (path === '-') return new Input(path, guess, undefined);
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(error.code === 'ENOENT' ? `There is no file ${path}.` : error.message);
    });
    if (found.isDirectory()) throw new UsageError(`${path} is a folder. Pass a file.`);
    return new Input(path, guess, found.isFile() ? found.size : undefined);
  }

  /** Whether it can be read more than once. */
  get isRereadable(): boolean {
    return this.#size !== undefined;
  }

  /** How messages call it. */
  get name(): string {
    return this.path === '-' ? 'standard input' : this.path;
  }

  get progress(): ReadingProgress {
    return {
      rows: this.rows,
      share: this.#size === undefined ? null : Math.min(1, this.#bytes / (this.#size || 1)),
    };
  }

  /**
   * Reads all rows. What is no row, or none that the schema takes, goes to `rejects`.
   *
   * @throws UsageError at the end, when there are rejects and they are not to be skipped
   */
  async *read(rejects: Rejects, schema?: Schema): AsyncGenerator<unknown> {
    this.rows = 0;
    this.#bytes = 0;
    rejects.begin();
    for await (const items of this.#items()) {
      for (const item of items) {
        if (isReject(item)) {
          await rejects.add(item);
          continue;
        }
        let { value } = item;
        if (schema !== undefined) {
          const result = await schema['~standard'].validate(value);
          if (result.issues !== undefined) {
            await rejects.add({ line: item.line, reason: problemsOf(result.issues), value });
            continue;
          }
          value = result.value;
        }
        this.rows += 1;
        yield value;
      }
    }
    await rejects.end();
  }

  #items(): Items {
    const chunks = this.#chunks();
    if (this.format === 'jsonl') return readJsonLines(chunks);
    if (this.format === 'lines') return readTextLines(chunks);
    return readCsv(chunks, this.path.toLowerCase().endsWith('.tsv') ? '\t' : ',');
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    const stream =
      this.path === '-' ? process.stdin : createReadStream(this.path, { highWaterMark: 1 << 16 });
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      this.#bytes += chunk.length;
      yield chunk;
    }
  }
}
