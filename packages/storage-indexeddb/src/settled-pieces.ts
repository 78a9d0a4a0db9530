// Results lie in pieces: an exchange appends those that it settled, and rewrites nothing.
//
// The places of a task are cut into windows of equal width, and no piece crosses a border. So the results between two
// places are in the pieces of their windows, at most one per job and not far from one per exchange.
import { MAX_SEQ, places, type SettledRow } from './schema.js';
import type { Transaction } from './transaction.js';

/** How jobs end, each in an object store of its own: so those that failed are found among millions that did not. */
export type Ending = 'completed' | 'failed';

/** Width of a window. Wider ones mean fewer pieces where jobs end in order, and more to read where each ended alone. */
const WINDOW = 256;

function windowStart(seq: number): number {
  return seq - (seq % WINDOW);
}

/** Writes results, in any order. Their jobs have no result yet, so no piece of this key is there. */
export function writeSettled(tx: Transaction, task: number, ending: Ending, rows: SettledRow[]): void {
  rows.sort(bySeq);
  for (let from = 0, to = 0; from < rows.length; from = to) {
    const first = (rows[from] as SettledRow).seq; // from < length
    const end = windowStart(first) + WINDOW;
    while (to < rows.length && (rows[to] as SettledRow).seq < end) to += 1; // to < length
    tx.put(ending, rows.slice(from, to), [task, first]);
  }
}

/** The results between two places, both included, in no order. */
export async function readSettledBetween(
  tx: Transaction,
  task: number,
  ending: Ending,
  from: number,
  to: number,
): Promise<SettledRow[]> {
  const pieces = await tx.getAll(ending, places(task, windowStart(from), to));
  return pieces.flat(1).filter((row) => row.seq >= from && row.seq <= to);
}

/** The results of jobs at these places, by place. */
export async function readSettledAt(
  tx: Transaction,
  task: number,
  ending: Ending,
  seqs: readonly number[],
): Promise<Map<number, SettledRow>> {
  const { rows } = await readWindowsOf(tx, task, ending, seqs);
  return new Map(rows.map((row) => [row.seq, row]));
}

/** The results of jobs at these places, and the pieces in which they are, among others. */
export async function readWindowsOf(
  tx: Transaction,
  task: number,
  ending: Ending,
  seqs: readonly number[],
): Promise<{ rows: SettledRow[]; pieces: SettledRow[][] }> {
  const windows = [...new Set(seqs.map(windowStart))];
  const pieces = await Promise.all(
    windows.map((start) => tx.getAll(ending, places(task, start, start + WINDOW - 1))),
  );
  const wanted = new Set(seqs);
  return { rows: pieces.flat(2).filter((row) => wanted.has(row.seq)), pieces: pieces.flat(1) };
}

/** Up to `limit` results after a place in order of seq, and the pieces in which they are, among others. */
export async function readSettledAfter(
  tx: Transaction,
  task: number,
  ending: Ending,
  after: number,
  limit: number,
): Promise<{ rows: SettledRow[]; pieces: SettledRow[][] }> {
  const pieces: SettledRow[][] = [];
  const rows: SettledRow[] = [];
  let from = windowStart(after + 1);
  for (let count = 8; from <= MAX_SEQ; count *= 2) {
    const found = await tx.getAll(ending, places(task, from), count);
    pieces.push(...found);
    for (const piece of found) for (const row of piece) if (row.seq > after) rows.push(row);
    const last = found.at(-1)?.[0]?.seq;
    if (found.length < count || last === undefined) break;
    // Of the window of the last piece there may be more.
    const whole = windowStart(last);
    if (rows.filter((row) => row.seq < whole).length >= limit) break;
    from = last + 1;
  }
  rows.sort(bySeq);
  return { rows: rows.slice(0, limit), pieces };
}

function bySeq(a: SettledRow, b: SettledRow): number {
  return a.seq - b.seq;
}
