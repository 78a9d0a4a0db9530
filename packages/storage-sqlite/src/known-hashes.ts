// What de-duplication knows of a task: hash prefixes → places, outside the heap. A cache of rows: never trusted alone.
import { HashIndex } from '@taskhub/core';
import type { Database } from './database.js';
import { firstId, lastId } from './schema.js';

interface HashRow {
  id: number;
  hash: Uint8Array;
}

/** A job that has a hash. */
export interface KnownJob {
  seq: number;
  input: string;
}

const READ_HASHES = 'SELECT id, hash FROM job WHERE id > ? AND id <= ? ORDER BY id LIMIT ?';
const READ_JOB = 'SELECT hash, input FROM job WHERE id = ?';

/** Rows read in one turn of the event loop: about 5 ms. */
const SLICE = 2_000;

/**
 * The hashes of one task, of those jobs that are at or before `upTo`.
 *
 * Entries of a transaction that was rolled back stay and do no harm: every hit is confirmed on the row.
 */
export class KnownHashes {
  readonly task: number;
  readonly #index = new HashIndex();
  #upTo = 0;

  constructor(task: number) {
    this.task = task;
  }

  /** Adds the hashes of rows that were stored before, a slice per turn; `readRows` after it has little left to do. */
  async load(db: Database): Promise<void> {
    while ((await db.read(() => this.#readSlice(db, lastId(this.task)))) === SLICE) await db.turn();
  }

  /** Adds the hashes of rows up to `lastSeq` that came since, from this or from another process. */
  readRows(db: Database, lastSeq: number): void {
    const end = firstId(this.task) + lastSeq;
    while (this.#upTo < lastSeq && this.#readSlice(db, end) > 0);
    this.#upTo = lastSeq;
  }

  /** Adds a row that is being written; `committed` tells when it is there for good. */
  add(hash: Uint8Array, seq: number): void {
    this.#index.add(hash, seq);
  }

  /** All rows up to this place have been added, and are committed. */
  committed(lastSeq: number): void {
    this.#upTo = Math.max(this.#upTo, lastSeq);
  }

  /** Whether a look at the rows is worth while. */
  mayHave(hash: Uint8Array): boolean {
    return this.#index.candidates(hash).length > 0;
  }

  /** The stored job with this hash, or undefined. */
  find(db: Database, hash: Uint8Array): KnownJob | undefined {
    for (const seq of this.#index.candidates(hash)) {
      const row = db.sql<{ hash: Uint8Array; input: string }>(READ_JOB).get(firstId(this.task) + seq);
      if (row && equalBytes(row.hash, hash)) return { seq, input: row.input };
    }
    return undefined;
  }

  #readSlice(db: Database, end: number): number {
    const base = firstId(this.task);
    const rows = db.sql<HashRow>(READ_HASHES).all(base + this.#upTo, end, SLICE);
    for (const { id, hash } of rows) this.#index.add(hash, id - base);
    const last = rows.at(-1);
    if (last !== undefined) this.#upTo = last.id - base;
    return rows.length;
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
