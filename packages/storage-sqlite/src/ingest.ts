// Adding jobs to a task: each hash once, results of equal jobs copied, many rows per statement.
import type { InsertResult, NewJob } from '@taskhub/core';
import { bySize, ROWS_PER_STATEMENT, repeat } from './by-size.js';
import type { Database } from './database.js';
import type { SqliteValue } from './driver.js';
import { KnownHashes, type KnownJob } from './known-hashes.js';
import { firstId, MAX_SEQ } from './schema.js';
import {
  countsOf,
  endIngest,
  outOfNumbers,
  readHead,
  readHeadOrThrow,
  readReuseFrom,
  writeProgress,
} from './task-rows.js';

const INSERT_JOBS = bySize((rows) => `INSERT INTO job VALUES ${repeat('(?, ?, ?, ?)', rows)}`);
const COPY_RESULT = `INSERT INTO result SELECT ?, attempts, throttles, started_at, ended_at, output, NULL
  FROM result WHERE id = ? AND error IS NULL`;

/** What is kept of a task while it is ingested, between its first batch and its last. */
export class Ingest {
  readonly task: number;
  readonly #known: KnownHashes;
  /** The task whose results are copied; undefined = not looked up yet, null = none. */
  #reused: KnownHashes | null | undefined;

  constructor(task: number) {
    this.task = task;
    this.#known = new KnownHashes(task);
  }

  /** Learns the hashes that are stored, in slices; after the first time only of what other processes have added. */
  async load(db: Database): Promise<void> {
    await this.#known.load(db);
    if (this.#reused !== undefined) return;
    const from = await db.read(() => {
      const id = readReuseFrom(db, this.task);
      return id === null ? null : readHead(db, id);
    });
    const reused = from === null ? null : new KnownHashes(from.no);
    await reused?.load(db);
    this.#reused = reused;
  }

  /** See `StorageAdapter.insertJobs`. */
  async insert(
    db: Database,
    taskId: string,
    jobs: readonly NewJob[],
    context: { now: number; last: boolean },
  ): Promise<InsertResult> {
    const { lastSeq, ...result } = await db.write(() => this.#insert(db, taskId, jobs, context));
    this.#known.committed(lastSeq);
    return result;
  }

  #insert(
    db: Database,
    taskId: string,
    jobs: readonly NewJob[],
    context: { now: number; last: boolean },
  ): InsertResult & { lastSeq: number } {
    const head = readHeadOrThrow(db, taskId, this.task);
    this.#known.readRows(db, head.last_seq);
    const rows = new NewRows(db);
    const duplicates: { at: number; seq: number; sameInput: boolean }[] = [];
    let reused = 0;
    jobs.forEach((job, at) => {
      const there = this.#find(db, job.hash, rows);
      if (there !== undefined) {
        duplicates.push({ at, seq: there.seq, sameInput: there.input === job.input });
        return;
      }
      head.last_seq = Math.max(job.seq, head.last_seq + 1);
      if (head.last_seq > MAX_SEQ) throw outOfNumbers(db, `jobs of task "${taskId}": the last is ${MAX_SEQ}`);
      const id = firstId(head.no) + head.last_seq;
      rows.add(id, job);
      this.#known.add(job.hash, head.last_seq);
      if (this.#copyResult(db, job.hash, id)) reused += 1;
    });
    rows.write();
    const inserted = jobs.length - duplicates.length;
    head.total += inserted;
    head.completed += reused;
    head.reused += reused;
    if (inserted > 0) writeProgress(db, head.no, head);
    if (context.last) endIngest(db, head.no, context.now);
    return { inserted, duplicates, reused, counts: countsOf(head), lastSeq: head.last_seq };
  }

  #find(db: Database, hash: Uint8Array, rows: NewRows): KnownJob | undefined {
    if (!this.#known.mayHave(hash)) return undefined;
    rows.write(); // The hit may be a row of this batch.
    return this.#known.find(db, hash);
  }

  #copyResult(db: Database, hash: Uint8Array, id: number): boolean {
    if (!this.#reused?.mayHave(hash)) return false;
    const original = this.#reused.find(db, hash);
    if (original === undefined) return false;
    return Number(db.sql(COPY_RESULT).run(id, firstId(this.#reused.task) + original.seq).changes) > 0;
  }
}

/** Rows on their way into the table, collected until they fill a statement. */
class NewRows {
  readonly #db: Database;
  #values: SqliteValue[] = [];
  #rows = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  add(id: number, { hash, input, key }: NewJob): void {
    this.#values.push(id, hash, input, key);
    this.#rows += 1;
    if (this.#rows === ROWS_PER_STATEMENT) this.write();
  }

  write(): void {
    if (this.#rows === 0) return;
    this.#db.sql(INSERT_JOBS(this.#rows)).run(...this.#values);
    this.#values = [];
    this.#rows = 0;
  }
}
