// The part of the benchmark of stores that runs in a page.
import type { ClaimedJob, NewJob, StorageAdapter } from '@taskhub/core';
import { IndexedDBAdapter } from '@taskhub/storage-indexeddb';
import { OPFSAdapter } from '@taskhub/storage-opfs';

const TASK = 'task';
const BATCH = 1_000;
const OUTPUT = JSON.stringify({ ok: true, text: 'x'.repeat(60) });

/** Inserts `jobs` jobs, then claims and settles them in groups; the first exchange only claims. */
async function measureStore(
  storage: 'opfs' | 'indexeddb',
  durability: 'relaxed' | 'strict',
  jobs: number,
  group: number,
): Promise<Record<string, number>> {
  const Adapter = storage === 'opfs' ? OPFSAdapter : IndexedDBAdapter;
  const opening = performance.now();
  const store: StorageAdapter = new Adapter('benchmark', { durability });
  await store.open();
  const opened = performance.now();
  const now = Date.now();
  const task = { id: TASK, name: TASK, status: 'idle', options: '{}', reuseFrom: null } as const;
  const leaseUntil = now + 3_600_000;
  await store.insertTask({ ...task, owner: 'benchmark', leaseUntil, now });
  const batches = Array.from({ length: Math.ceil(jobs / BATCH) }, (_, at) => batchOf(at * BATCH, jobs));
  const inserting = performance.now();
  for (const [at, batch] of batches.entries()) {
    await store.insertJobs(TASK, batch, { now, last: at === batches.length - 1 });
  }
  const exchanging = performance.now();
  let held: ClaimedJob[] = [];
  let completed = 0;
  while (completed < jobs) {
    const settle = held.map(({ seq }) => {
      return { seq, startedAt: now, endedAt: now + 5, outcome: 'completed' as const, output: OUTPUT };
    });
    const claim = { limit: group, leaseUntil };
    const result = await store.exchange(TASK, { owner: 'benchmark', now, settle, claim });
    held = result.claimed;
    completed = result.counts.completed;
  }
  const ended = performance.now();
  await store.close();
  return {
    jobsPerSecond: (jobs / (ended - exchanging)) * 1_000,
    insertsPerSecond: (jobs / (exchanging - inserting)) * 1_000,
    openMs: opened - opening,
  };
}

function batchOf(from: number, jobs: number): NewJob[] {
  return Array.from({ length: Math.min(BATCH, jobs - from) }, (_, at) => {
    const n = from + at;
    const hash = crypto.getRandomValues(new Uint8Array(32));
    const input = JSON.stringify({ n, url: `example.org/items/${n}`, note: 'y'.repeat(50) });
    return { seq: n + 1, hash, key: null, input };
  });
}

Object.assign(globalThis, { measureStore });
