// Statements over several rows at once: one call into SQLite for many rows costs little more than for one.

/** Rows per statement. Measured per inserted job: 1 row 1.8 µs, 10 rows 1.4 µs, 50 rows 1.0 µs, 100 rows no less. */
export const ROWS_PER_STATEMENT = 50;

/** Texts of a statement by its number of rows, each written once, so that it can be looked up by its text. */
export function bySize(text: (rows: number) => string): (rows: number) => string {
  const texts = new Map<number, string>();
  return (rows) => {
    let found = texts.get(rows);
    if (found === undefined) {
      found = text(rows);
      texts.set(rows, found);
    }
    return found;
  };
}

/** `part` once for each row, separated by commas. */
export function repeat(part: string, rows: number): string {
  return Array(rows).fill(part).join(', ');
}

/** `items` in pieces of at most {@link ROWS_PER_STATEMENT}. */
export function* inPieces<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += ROWS_PER_STATEMENT)
    yield items.slice(at, at + ROWS_PER_STATEMENT);
}
