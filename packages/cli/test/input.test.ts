// Input as it comes: what is read, and what is refused with its line before anything is sent.
import { describe, expect, test } from 'vitest';
import { readCsv } from '../src/input/csv.ts';
import { readJsonLines, readLines, readTextLines } from '../src/input/lines.ts';
import { type Item, type Items, isReject } from '../src/input/row.ts';

/** The text in pieces of `size` bytes, as a file may come. */
async function* pieces(text: string | Buffer, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text as string);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(items: Items): Promise<Item[]> {
  const found: Item[] = [];
  for await (const some of items) found.push(...some);
  return found;
}

type Reader = (chunks: AsyncIterable<Buffer>) => Items;
const csv: Reader = (chunks) => readCsv(chunks, ',');

/** What a reader makes of a text, however it is cut into pieces. */
async function read(reader: Reader, text: string | Buffer): Promise<Item[]> {
  const whole = await all(reader(pieces(text, 1 << 20)));
  for (const size of [1, 2, 3, 7]) expect(await all(reader(pieces(text, size)))).toEqual(whole);
  return whole;
}

const values = (items: Item[]): unknown[] => items.flatMap((item) => (isReject(item) ? [] : [item.value]));
const rejects = (items: Item[]): string[] =>
  items.flatMap((item) => (isReject(item) ? [`${item.line} ${item.reason}: ${item.piece}`] : []));

describe('JSONL', () => {
  test('reads a value per line, with LF, CRLF, a byte order mark, empty lines, and no line break at the end', async () => {
    const items = await read(readJsonLines, '\ufeff{"a":1}\r\n\r\n  \n"é漢😀"\n[1,null]');
    expect(items).toEqual([
      { line: 1, value: { a: 1 } },
      { line: 4, value: 'é漢😀' },
      { line: 5, value: [1, null] },
    ]);
  });

  test('says line, reason and piece of what is no JSON', async () => {
    const items = await read(readJsonLines, '{"a":1}\n{"a":oops}\n{"b":2}\n');
    expect(values(items)).toEqual([{ a: 1 }, { b: 2 }]);
    expect(rejects(items)).toEqual([expect.stringMatching(/^2 is not JSON: .*: \{"a":oops\}$/)]);
  });

  test('says that a last line was cut off', async () => {
    const items = await read(readJsonLines, '{"a":1}\n{"a":');
    expect(rejects(items)).toEqual([expect.stringContaining('2 is not JSON')]);
    expect(rejects(items)[0]).toContain('was it cut off?');
  });

  test('refuses bytes that are no UTF-8', async () => {
    const items = await read(readJsonLines, Buffer.from([0x22, 0xe9, 0x22, 0x0a, 0x31, 0x0a]));
    expect(rejects(items)).toEqual([expect.stringContaining('1 is not UTF-8 text')]);
    expect(values(items)).toEqual([1]);
  });

  test('a line that is too long is refused with its start, and the next ones are read', async () => {
    const reader: Reader = (chunks) => readLines(chunks, JSON.parse, 100);
    const items = await read(reader, `1\n"${'x'.repeat(200)}"\n2\n"${'y'.repeat(97)}"\n"${'z'.repeat(300)}`);
    expect(values(items)).toEqual([1, 2, 'y'.repeat(97)]);
    expect(rejects(items)).toEqual([
      expect.stringMatching(/^2 is 202 bytes long; a row has at most 100: "?x*/),
      expect.stringMatching(/^5 is 301 bytes long/),
    ]);
  });
});

test('lines: each line is a text', async () => {
  expect(values(await read(readTextLines, 'https://a\r\n\n b \nlast'))).toEqual(['https://a', ' b ', 'last']);
});

describe('CSV', () => {
  test('reads an object of texts per record, with quotes, line breaks inside them, CRLF and a byte order mark', async () => {
    const items = await read(csv, '\ufeffid,name\r\n1,"a ""b"", c"\r\n\r\n2,"two\r\nlines"\r\n3,é漢😀');
    expect(items).toEqual([
      { line: 2, value: { id: '1', name: 'a "b", c' } },
      { line: 4, value: { id: '2', name: 'two\r\nlines' } },
      { line: 6, value: { id: '3', name: 'é漢😀' } },
    ]);
  });

  test('a record with another number of values than the header is refused, and the next ones are read', async () => {
    const items = await read(csv, 'id,name\n1\n2,b\n3,c,d\n4,e\n');
    expect(values(items)).toEqual([
      { id: '2', name: 'b' },
      { id: '4', name: 'e' },
    ]);
    expect(rejects(items)).toEqual([
      '2 has 1 values, and the header 2 columns: 1',
      '4 has 3 values, and the header 2 columns: 3,c,d',
    ]);
  });

  test('a quote in the middle of a value is a quote', async () => {
    const items = await read(csv, 'id,name\n1,a"b\n2,"a"b\n3,c\n');
    expect(values(items)).toMatchObject([{ name: 'a"b' }, { name: '"a"b' }, { name: 'c' }]);
  });

  test('a quote that is never closed is refused with its line', async () => {
    const items = await read(csv, 'id,name\n1,a\n2,"b\n3,c\n');
    expect(values(items)).toEqual([{ id: '1', name: 'a' }]);
    expect(rejects(items)).toEqual([expect.stringContaining('never closed')]);
  });

  test('a header with a column twice, or without a name, is refused', async () => {
    expect(rejects(await read(csv, 'id,id\n1,2\n'))).toEqual([expect.stringContaining('two columns id')]);
    expect(rejects(await read(csv, 'id,\n1,2\n'))).toEqual([expect.stringContaining('with nothing')]);
  });

  test('a column may be called as what objects have', async () => {
    const [item] = await read(csv, '__proto__,constructor\n1,2\n');
    expect(Object.entries((item as { value: object }).value)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]);
  });
});
