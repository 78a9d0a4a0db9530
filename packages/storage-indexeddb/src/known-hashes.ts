// What de-duplication knows of a task: hash prefixes → places, outside the heap. A cache of rows: never trusted alone.
import { HashIndex } from '@taskhub/core';
import { readJobsAfter, readJobsAt } from './job-blocks.js';
import type { JobRow } from './schema.js';
import type { Transaction } from './transaction.js';

/** Rows read in one transaction. */
export const SLICE = 2_000;

/**
 * The hashes of one task, of those jobs that are at or before `upTo`.
 *
 * Entries of a transaction that was aborted stay and do no harm: every hit is confirmed on the row.
 */
export class KnownHashes {
  readonly task: number;
  readonly #index = new HashIndex();
  #upTo = 0;

  constructor(task: number) {
    this.task = task;
  }

  /** Adds the hashes of up to a slice of rows that came since, from this tab or another; gives their number. */
  async readSlice(tx: Transaction): Promise<number> {
    const rows = await readJobsAfter(tx, this.task, this.#upTo, SLICE);
    for (const { seq, hash } of rows) this.#index.add(hash, seq);
    this.#upTo = rows.at(-1)?.seq ?? this.#upTo;
    return rows.length;
  }

  /** The same for all rows up to `lastSeq`. */
  async readUpTo(tx: Transaction, lastSeq: number): Promise<void> {
    while (this.#upTo < lastSeq && (await this.readSlice(tx)) > 0);
    this.#upTo = Math.max(this.#upTo, lastSeq);
  }

  /** Adds a row that is being written; `committed` tells when it is there for good. */
  add(hash: Uint8Array, seq: number): void {
    this.#index.add(hash, seq);
  }

  /** All rows up to this place have been added, and are committed. */
  committed(lastSeq: number): void {
    this.#upTo = Math.max(this.#upTo, lastSeq);
  }

  /** The stored job of each hash that has one, by the hash as text. */
  async find(tx: Transaction, hashes: readonly Uint8Array[]): Promise<Map<string, JobRow>> {
    const found = new Map<string, JobRow>();
    const candidates = hashes.flatMap((hash) => this.#index.candidates(hash));
    if (candidates.length === 0) return found;
    const rows = await readJobsAt(tx, this.task, [...new Set(candidates)]);
    for (const seq of candidates) {
      const row = rows.get(seq);
      if (row !== undefined) found.set(textOf(row.hash), row);
    }
    return found;
  }
}

/** A hash as a key of a Map. */
export function textOf(hash: Uint8Array): string {
  return String.fromCharCode(...hash);
}
