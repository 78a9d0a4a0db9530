// What one data set has and another has not.
import { HashIndex } from './hash-index.js';
import { idOf } from './ingest.js';
import type { JobRecord, StorageAdapter } from './storage/contract.js';

const PAGE = 1000;

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
  let after: number | null = 0;
  while (after !== null) {
    const page: Awaited<ReturnType<StorageAdapter['readJobs']>> = await store.readJobs(taskId, {
      after,
      limit: PAGE,
    });
    yield* page.rows;
    after = page.next;
  }
}
