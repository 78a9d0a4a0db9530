// CSV with a header: each row is an object of texts by column.
import { type CsvError, type InfoRecord, Parser } from 'csv-parse';
import { type Item, type Items, LONGEST_ROW, pieceOf } from './row.js';

/** What the parser cannot go on behind. */
const REASONS: Readonly<{ [code: string]: string }> = {
  CSV_QUOTE_NOT_CLOSED: 'begins a quote that is never closed: was the file cut off?',
  CSV_MAX_RECORD_SIZE: `is longer than ${LONGEST_ROW} bytes: is a quote not closed?`,
};

/**
 * Reads CSV: a header, then a row per record. Quotes as in RFC 4180, LF or CRLF, with or without a byte order mark.
 * Empty lines are passed over.
 */
export async function* readCsv(chunks: AsyncIterable<Buffer>, delimiter: string): Items {
  const records = new Records();
  const parser = new Parser({
    bom: true,
    delimiter,
    max_record_size: LONGEST_ROW,
    on_record: (values: string[], info: InfoRecord) => records.add(values, info.empty_lines),
    relax_column_count: true,
    // A quote in the middle of a value is a quote. If it were an error, the parser would go on inside it.
    relax_quotes: true,
    skip_empty_lines: true,
  });
  const step = (act: (done: (error?: Error | null) => void) => void): Promise<void> =>
    new Promise((resolve) => {
      const failed = (error: Error): void => {
        records.fail(error);
        resolve();
      };
      parser.once('error', failed);
      act((error) => {
        if (error) return; // told by the event, which comes next
        parser.off('error', failed);
        resolve();
      });
    });
  for await (const chunk of chunks) {
    await step((done) => parser.write(chunk, done));
    yield records.take();
    if (parser.destroyed) return;
  }
  parser.resume();
  await step((done) => parser.once('end', done).end());
  yield records.take();
}

/** Makes rows of records. */
class Records {
  #columns: readonly string[] | undefined;
  #items: Item[] = [];
  /** The line on which the last record ended, and how many empty ones there were until then. */
  #ended = { line: 0, empty: 0 };

  add(values: string[], empty: number): null {
    const line = this.#ended.line + 1 + empty - this.#ended.empty;
    this.#ended = { line: line + lineBreaks(values), empty };
    if (this.#columns === undefined) this.#columns = this.#header(values, line);
    else if (values.length === this.#columns.length) {
      this.#items.push({ line, value: rowOf(this.#columns, values) });
    } else {
      const reason = `has ${values.length} values, and the header ${this.#columns.length} columns`;
      this.#items.push({ line, reason, piece: pieceOf(values.join(',')) });
    }
    return null;
  }

  fail(error: Error): void {
    const reason = REASONS[(error as CsvError).code] ?? error.message;
    this.#items.push({ line: this.#ended.line + 1, reason, piece: '', isLast: true });
  }

  take(): readonly Item[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }

  #header(names: readonly string[], line: number): readonly string[] {
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    const piece = names.join(',');
    if (names.includes(''))
      this.#items.push({ line, reason: 'names a column with nothing', piece, isLast: true });
    else if (twice !== undefined) {
      this.#items.push({ line, reason: `names two columns ${twice}`, piece, isLast: true });
    }
    return names;
  }
}

function rowOf(columns: readonly string[], values: readonly string[]): { [column: string]: string } {
  const row: { [column: string]: string } = {};
  for (let at = 0; at < columns.length; at++) {
    const [column, value] = [columns[at] as string, values[at] as string]; // as long as each other
    if (column === '__proto__') Object.defineProperty(row, column, { value, enumerable: true });
    else row[column] = value;
  }
  return row;
}

function lineBreaks(values: readonly string[]): number {
  let breaks = 0;
  for (const value of values) {
    for (let at = value.indexOf('\n'); at !== -1; at = value.indexOf('\n', at + 1)) breaks += 1;
  }
  return breaks;
}
