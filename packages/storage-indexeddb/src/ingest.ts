// Adding jobs to a task: each hash once, results of equal jobs copied, many jobs per request.
import { type InsertResult, type NewJob, TaskHubError } from '@taskhub/core';
import type { Database } from './database.js';
import { writeJobs } from './job-blocks.js';
import { KnownHashes, SLICE, textOf } from './known-hashes.js';
import { type JobRow, MAX_SEQ, type SettledRow } from './schema.js';
import { readSettledAt, writeSettled } from './settled-pieces.js';
import { countsOf, readHead, readHeadOrThrow } from './task-rows.js';
import type { Transaction } from './transaction.js';

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

  /** Learns the hashes that are stored, in slices; after the first time only of what other tabs have added. */
  async load(db: Database): Promise<void> {
    await learn(db, this.#known);
    if (this.#reused !== undefined) return;
    const from = await db.read(async (tx) => {
      const id = (await tx.get('task', this.task))?.reuseFrom ?? null;
      return id === null ? null : readHead(tx, id);
    });
    const reused = from === null ? null : new KnownHashes(from.task.no);
    if (reused !== null) await learn(db, reused);
    this.#reused = reused;
  }

  /** See `StorageAdapter.insertJobs`. */
  async insert(
    db: Database,
    taskId: string,
    jobs: readonly NewJob[],
    context: { now: number; last: boolean },
  ): Promise<InsertResult> {
    const { lastSeq, ...result } = await db.write((tx) => this.#insert(tx, taskId, jobs, context));
    this.#known.committed(lastSeq);
    return result;
  }

  async #insert(
    tx: Transaction,
    taskId: string,
    jobs: readonly NewJob[],
    { now, last }: { now: number; last: boolean },
  ): Promise<InsertResult & { lastSeq: number }> {
    const { task, progress } = await readHeadOrThrow(tx, taskId, this.task);
    await this.#known.readUpTo(tx, progress.lastSeq);
    const there = await this.#known.find(
      tx,
      jobs.map((job) => job.hash),
    );
    const rows: JobRow[] = [];
    const duplicates: { at: number; seq: number; sameInput: boolean }[] = [];
    for (const [at, { seq, hash, key, input }] of jobs.entries()) {
      const text = textOf(hash);
      const known = there.get(text);
      if (known !== undefined) {
        duplicates.push({ at, seq: known.seq, sameInput: known.input === input });
        continue;
      }
      progress.lastSeq = Math.max(seq, progress.lastSeq + 1);
      if (progress.lastSeq > MAX_SEQ) throw outOfNumbers(taskId);
      const row = { seq: progress.lastSeq, hash, key, input };
      rows.push(row);
      there.set(text, row);
      this.#known.add(hash, row.seq);
    }
    writeJobs(tx, task.no, rows);
    const copies = await this.#copyResults(tx, rows);
    progress.total += rows.length;
    progress.completed += copies;
    progress.reused += copies;
    if (rows.length > 0) tx.put('progress', progress);
    if (last && !task.ingested) tx.put('task', { ...task, ingested: true, updatedAt: now });
    const counts = countsOf(progress);
    return { inserted: rows.length, duplicates, reused: copies, counts, lastSeq: progress.lastSeq };
  }

  /** Gives new jobs the results of equal ones of the task that is reused; gives their number. */
  async #copyResults(tx: Transaction, rows: readonly JobRow[]): Promise<number> {
    if (!this.#reused) return 0;
    const from = this.#reused.task;
    const originals = await this.#reused.find(
      tx,
      rows.map((row) => row.hash),
    );
    const seqs = [...originals.values()].map((row) => row.seq);
    const results = await readSettledAt(tx, from, 'completed', seqs);
    const copies = rows.flatMap(({ seq, hash }): SettledRow[] => {
      const original = originals.get(textOf(hash));
      const result = original && results.get(original.seq);
      return result === undefined ? [] : [{ ...result, seq }];
    });
    writeSettled(tx, this.task, 'completed', copies);
    return copies.length;
  }
}

async function learn(db: Database, hashes: KnownHashes): Promise<void> {
  while ((await db.read((tx) => hashes.readSlice(tx))) === SLICE);
}

/** What a call gets that would need a number which does not fit. */
function outOfNumbers(taskId: string): TaskHubError {
  return new TaskHubError(
    'STORAGE_FAILED',
    `There are no numbers left for jobs of task "${taskId}": the last is ${MAX_SEQ}.`,
    { details: { taskId } },
  );
}
