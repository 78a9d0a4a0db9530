// CSV with a header: each row is an object of texts by column.
import { CsvError, type InfoRecord, Parser } from 'csv-parse';
import { type Item, type Items, LONGEST_ROW, pieceOf } from './row.js';

const REASONS: Readonly<{ [code: string]: string }> = {
  CSV_INVALID_CLOSING_QUOTE: 'has something behind a closing quote; write a quote inside quotes twice ("")',
  INVALID_OPENING_QUOTE: 'has a quote inside a value that is not quoted',
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
    on_record: (values: string[], info: InfoRecord) => records.add(values, info),
    on_skip: (error: CsvError | undefined) => records.skip(error),
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
  });
  const step = (act: (done: (error?: Error | null) => void) => void): Promise<void> =>
    new Promise((resolve) => {
      parser.once('error', fail);
      act(() => {
        parser.off('error', fail);
        resolve();
      });
      // What the parser cannot go on after: a quote that is never closed, a record that never ends.
      function fail(error: Error): void {
        records.skip(error as CsvError);
        resolve();
      }
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

  add(values: string[], { lines, empty_lines }: Pick<InfoRecord, 'lines' | 'empty_lines'>): null {
    const line = this.#ended.line + 1 + empty_lines - this.#ended.empty;
    this.#ended = { line: lines, empty: empty_lines };
    if (this.#columns === undefined) this.#columns = this.#header(values, line);
    else if (values.length === this.#columns.length) {
      const row: { [column: string]: string } = {};
      for (let at = 0; at < values.length; at++) row[this.#columns[at] as string] = values[at] as string;
      this.#items.push({ line, value: row });
    } else {
      const reason = `has ${values.length} values, and the header ${this.#columns.length} columns`;
      this.#items.push({ line, reason, piece: pieceOf(values.join(',')) });
    }
    return null;
  }

  skip(error: CsvError | undefined): undefined {
    const { code, lines, record, message } = error ?? new CsvError('CSV_UNKNOWN_ERROR', 'is no CSV');
    const line = typeof lines === 'number' ? lines : this.#ended.line + 1;
    const piece = Array.isArray(record) ? pieceOf(record.join(',')) : '';
    this.#items.push({ line, reason: REASONS[code] ?? message, piece });
    this.#ended = { ...this.#ended, line };
  }

  take(): readonly Item[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }

  #header(names: readonly string[], line: number): readonly string[] {
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (names.includes(''))
      this.#items.push({ line, reason: 'names a column with nothing', piece: names.join(',') });
    else if (twice !== undefined)
      this.#items.push({ line, reason: `names two columns ${twice}`, piece: names.join(',') });
    return names;
  }
}
