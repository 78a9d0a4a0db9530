// What is read of a file: rows, and pieces that are none.

/** One row of the input. */
export interface Row {
  /** The line on which it begins, from 1. */
  line: number;
  value: unknown;
}

/** A piece of the input that is no row. */
export interface Reject {
  line: number;
  reason: string;
  /** The start of the piece, on one line; empty where there is nothing to show. */
  piece: string;
  /** Nothing behind it could be read: going on without it would lose rows unseen. */
  isLast?: true;
}

export type Item = Row | Reject;

export const INPUT_FORMATS = ['jsonl', 'csv', 'lines'] as const;
export type InputFormat = (typeof INPUT_FORMATS)[number];

/** Rows as they are read, several at a time. */
export type Items = AsyncIterable<readonly Item[]>;

/** The longest row that is taken: 16 MiB. A longer one is most likely no row. */
export const LONGEST_ROW: number = 16 * 1024 * 1024;

const PIECE = 80;

export function isReject(item: Item): item is Reject {
  return 'reason' in item;
}

/** The start of a text, for messages. */
export function pieceOf(text: string): string {
  return text.length > PIECE ? `${text.slice(0, PIECE)}…` : text;
}
