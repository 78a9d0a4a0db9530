// What one data set has and another has not.
import { HashIndex } from './hash-index.js';
import { keyHash } from './identity.js';
import { idOf } from './ingest.js';
import { readPages } from './pages.js';
import type { JobRecord, StorageAdapter } from './storage/contract.js';
import type { TaskComparison } from './types.js';

/** The ids of jobs of task B that task A has not, in the order of B. Needs about 24 bytes per job of A. */
export async function* diffTasks(
  store: StorageAdapter,
  idA: string,
  idB: string,
): AsyncIterableIterator<string> {
  const known = new HashIndex();
  for await (const job of readAll(store, idA)) known.add(job.hash, job.seq);
  for await (const job of readAll(store, idB)) {
    if (!(await isKnown(store, idA, known.candidates(job.hash), job.hash))) yield idOf(job);
  }
}

/** A task to compare, and what its inputs are known by. */
export interface ComparedTask {
  id: string;
  /** The key of the text of an input; equal in both tasks for an input that was changed. */
  keyOf?: (input: string) => string;
}

/**
 * Counts how task B differs from task A. Two jobs whose hashes agree in 64 bits count as the same: about one chance in
 * five million for two tasks of two million jobs each.
 */
export async function compareTasks(
  store: StorageAdapter,
  a: ComparedTask,
  b: ComparedTask,
): Promise<TaskComparison> {
  const [inBoth, known] = [new Places(), new HashIndex()];
  for await (const job of readAll(store, a.id)) known.add(job.hash, job.seq);
  let total = 0;
  const onlyInB = new Places();
  for await (const job of readAll(store, b.id)) {
    total += 1;
    if (!inBoth.addOneOf(known.candidates(job.hash))) onlyInB.add(job.seq);
  }
  const unchanged = inBoth.size;
  const changed = await countChanged(store, a, b, { inBoth, onlyInB });
  return {
    added: total - unchanged - changed,
    removed: known.size - unchanged - changed,
    changed,
    unchanged,
  };
}

async function countChanged(
  store: StorageAdapter,
  a: ComparedTask,
  b: ComparedTask,
  { inBoth, onlyInB }: { inBoth: Places; onlyInB: Places },
): Promise<number> {
  if (a.keyOf === undefined || b.keyOf === undefined || onlyInB.size === 0) return 0;
  const keys = new HashIndex();
  for await (const job of readAll(store, a.id)) {
    if (!inBoth.has(job.seq)) keys.add(keyHash(a.keyOf(job.input), store.sha256), job.seq);
  }
  const changed = new Places();
  for await (const job of readAll(store, b.id)) {
    if (onlyInB.has(job.seq)) changed.addOneOf(keys.candidates(keyHash(b.keyOf(job.input), store.sha256)));
  }
  return changed.size;
}

/** A set of places, a bit for each. */
class Places {
  #bits = new Uint8Array(1024);
  size = 0;

  has(seq: number): boolean {
    return ((this.#bits[seq >> 3] ?? 0) & (1 << (seq & 7))) !== 0;
  }

  add(seq: number): void {
    const at = seq >> 3;
    if (at >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(this.#bits.length * 2, at + 1));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (seq & 7));
    this.size += 1;
  }

  /** Adds the first of `seqs` that is not there yet. @returns whether there was one */
  addOneOf(seqs: readonly number[]): boolean {
    const seq = seqs.find((each) => !this.has(each));
    if (seq !== undefined) this.add(seq);
    return seq !== undefined;
  }
}

async function isKnown(
  store: StorageAdapter,
  taskId: string,
  candidates: Iterable<number>,
  hash: Uint8Array,
): Promise<boolean> {
  // The index holds 64 bits of each hash; a job that agrees in those is looked at.
  for (const seq of candidates) {
    const { rows } = await store.readJobs(taskId, { after: seq - 1, limit: 1 });
    if (rows[0]?.hash.every((byte, index) => byte === hash[index])) return true;
  }
  return false;
}

async function* readAll(store: StorageAdapter, taskId: string): AsyncIterableIterator<JobRecord> {
  for await (const rows of readPages((query) => store.readJobs(taskId, query), {})) yield* rows;
}
