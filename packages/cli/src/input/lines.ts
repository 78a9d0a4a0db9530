// Lines of a file, as they come: any length of file in bounded memory, LF or CRLF, with or without a byte order mark.
import { isUtf8 } from 'node:buffer';
import { type Item, type Items, LONGEST_ROW, pieceOf } from './row.js';

const LF = 10;
const CR = 13;

/**
 * Reads lines and lets `parse` make rows of them. Empty lines are passed over.
 *
 * @param parse - the value of a line; what it throws is the reason why the line is no row
 */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  parse: (text: string) => unknown,
  longest: number = LONGEST_ROW,
): Items {
  let line = 1;
  /** Of a line whose end has not come yet. */
  let parts: Buffer[] = [];
  let size = 0;

  /** The bytes of the line that ends here; what is over the longest line was dropped as it came. */
  const take = (end: Buffer, isLast: boolean): Item | undefined => {
    const number = line++;
    const whole = size + end.length;
    if (whole <= longest || size === 0) parts.push(end.subarray(0, longest));
    let bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    [parts, size] = [[], 0];
    if (number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
      bytes = bytes.subarray(3);
    if (bytes.at(-1) === CR) bytes = bytes.subarray(0, -1);
    if (whole > longest) {
      const reason = `is ${whole} bytes long; a row has at most ${longest}`;
      return { line: number, reason, piece: pieceOf(bytes.subarray(0, 400).toString('utf8')) };
    }
    return rowOf(bytes, number, isLast, parse);
  };

  for await (const chunk of chunks) {
    const items: Item[] = [];
    let from = 0;
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, from)) {
      const item = take(chunk.subarray(from, at), false);
      if (item !== undefined) items.push(item);
      from = at + 1;
    }
    const rest = chunk.subarray(from);
    // Copied: the chunk is used again. Of a line that is too long, its start is kept for the message.
    if (rest.length > 0 && (size + rest.length <= longest || size === 0)) {
      parts.push(Buffer.from(rest.subarray(0, longest)));
    }
    size += rest.length;
    if (items.length > 0) yield items;
  }
  if (size === 0) return;
  const item = take(Buffer.alloc(0), true);
  if (item !== undefined) yield [item];
}

function rowOf(
  bytes: Buffer,
  line: number,
  isLast: boolean,
  parse: (text: string) => unknown,
): Item | undefined {
  const text = bytes.toString('utf8');
  const reject = (reason: string): Item => ({ line, reason, piece: pieceOf(text) });
  if (!isUtf8(bytes)) return reject('is not UTF-8 text');
  if (text.trim() === '') return undefined;
  try {
    return { line, value: parse(text) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return reject(
      isLast ? `${reason} (the last line, without a line break at its end: was it cut off?)` : reason,
    );
  }
}

/** Each line is a JSON value. */
export function readJsonLines(chunks: AsyncIterable<Buffer>): Items {
  return readLines(chunks, (text) => {
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      // V8 adds a piece of the text, which is shown anyway.
      const problem = (error as Error).message.replace(/,? ?"?\.{0,3}.{0,40}"? is not valid JSON$/s, '');
      throw new SyntaxError(`is not JSON: ${problem}`);
    }
  });
}

/** Each line is a text. */
export function readTextLines(chunks: AsyncIterable<Buffer>): Items {
  return readLines(chunks, (text) => text);
}
