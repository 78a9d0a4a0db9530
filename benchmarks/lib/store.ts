// A store without an engine: a task with jobs of 92 bytes, and exchanges on it.
import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { BunSQLiteAdapter, type ClaimedJob, NodeSQLiteAdapter, type StorageAdapter } from '@shelchin/taskhub';
import { inputOf } from './batch.ts';

const BATCH = 1000;
const OWNER = 'benchmark';
const LEASE_UNTIL = 4e12;
export const TASK = 'task';

/** An open SQLite store with one task of so many fresh jobs. */
export async function filledStore(folder: string, jobs: number): Promise<StorageAdapter> {
  const path = join(folder, `${jobs}.db`);
  const store = process.versions.bun === undefined ? new NodeSQLiteAdapter(path) : new BunSQLiteAdapter(path);
  await store.open();
  await store.insertTask({
    id: TASK,
    name: TASK,
    status: 'idle',
    options: JSON.stringify({ type: 'dynamic', config: {} }),
    reuseFrom: null,
    owner: OWNER,
    leaseUntil: LEASE_UNTIL,
    now: Date.now(),
  });
  for (let from = 0; from < jobs; from += BATCH) {
    const length = Math.min(BATCH, jobs - from);
    const batch = Array.from({ length }, (_, at) => ({
      seq: from + at + 1,
      hash: randomFillSync(new Uint8Array(32)),
      key: null,
      input: JSON.stringify(inputOf(from + at)),
    }));
    await store.insertJobs(TASK, batch, { now: Date.now(), last: from + length === jobs });
  }
  return store;
}

/** Claims `jobs` jobs in groups, and settles each group with the next exchange; the first exchange only claims. */
export async function exchangeAll(store: StorageAdapter, jobs: number, group: number): Promise<void> {
  let claimed: ClaimedJob[] = [];
  for (let done = 0; done < jobs; done += claimed.length) {
    const now = Date.now();
    const settle = claimed.map(({ seq }) => ({
      seq,
      startedAt: now,
      endedAt: now,
      outcome: 'completed' as const,
      output: null,
    }));
    const claim = { limit: Math.min(group, jobs - done), leaseUntil: LEASE_UNTIL };
    ({ claimed } = await store.exchange(TASK, { owner: OWNER, now, settle, claim }));
    if (claimed.length === 0) throw new Error('there are no jobs left');
    await new Promise(setImmediate);
  }
}
