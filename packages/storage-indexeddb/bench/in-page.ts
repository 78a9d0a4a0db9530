// The part of the benchmark that runs in a page.
import type { ClaimedJob, NewJob } from '@taskhub/core';
import { IndexedDBAdapter } from '../src/index.js';

/** What one round measures, in jobs per second. */
export interface Round {
  insert: number;
  exchange: number;
}

const OUTPUT = JSON.stringify({ ok: true, text: 'x'.repeat(60) });

async function round(
  jobs: number,
  group: number,
  hold: number,
  durability: 'relaxed' | 'strict',
): Promise<Round> {
  const name = `bench-${crypto.randomUUID()}`;
  const store = new IndexedDBAdapter(name, { durability });
  await store.open();
  const now = Date.now();
  const task = { id: 't', name: 't', status: 'idle', options: '{}', reuseFrom: null } as const;
  await store.insertTask({ ...task, owner: 'ann', leaseUntil: now, now });
  const all = Array.from({ length: jobs }, (_, at): NewJob => {
    const hash = crypto.getRandomValues(new Uint8Array(32));
    const input = JSON.stringify({ n: at, url: `example.org/items/${at}`, note: 'y'.repeat(50) });
    return { seq: at + 1, hash, key: null, input };
  });
  const inserting = performance.now();
  for (let at = 0; at < jobs; at += 1_000) {
    await store.insertJobs('t', all.slice(at, at + 1_000), { now, last: at + 1_000 >= jobs });
  }
  const exchanging = performance.now();
  const held: ClaimedJob[] = [];
  for (let done = 0; done < jobs; ) {
    const settle = (held.length < hold && done === 0 ? [] : held.splice(0, group)).map(({ seq }) => ({
      seq,
      startedAt: now,
      endedAt: now + 5,
      outcome: 'completed' as const,
      output: OUTPUT,
    }));
    const claim = { limit: hold - held.length, leaseUntil: now + 30_000 };
    const { claimed, counts } = await store.exchange('t', { owner: 'ann', now, settle, claim });
    held.push(...claimed);
    done = counts.completed;
  }
  const ended = performance.now();
  await store.close();
  indexedDB.deleteDatabase(name);
  return {
    insert: (jobs / (exchanging - inserting)) * 1000,
    exchange: (jobs / (ended - exchanging)) * 1000,
  };
}

Object.assign(globalThis, { round });
