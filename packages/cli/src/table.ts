// Columns of text, as wide as their widest cell.
import { width } from './text.js';

/** Lines with a header; columns of which every cell is a number stand to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, at) => Math.max(...all.map((row) => width(row[at] ?? ''))));
  const isNumber = header.map((_, at) => rows.every((row) => /^[\d,.]+$/.test(row[at] ?? '')));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => {
        const space = ' '.repeat((widths[at] ?? 0) - width(cell));
        return isNumber[at] === true ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd();
  return all.map((row) => `${line(row)}\n`).join('');
}
