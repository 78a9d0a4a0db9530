// A real process for the tests of several processes: `work` does jobs until none is left, `hold` claims some and hangs,
// `ingest` adds jobs, `open` only opens. It says `ready`, waits for a message, then works and answers.
import { once } from 'node:events';
import process from 'node:process';
import type { Settlement } from '@taskhub/core';
import type { SqliteStore } from '../index.js';
import { completed, newJobs } from './jobs.js';

/** What a worker is told to do, as its only argument, in JSON. */
export interface Order {
  path: string;
  /** `name` of the tested store. */
  store: string;
  owner: string;
  what: 'work' | 'hold' | 'ingest' | 'open';
  limit?: number;
  jobs?: number;
}

/** What it answers. */
export interface Answer {
  identity: string;
  done: number[];
  lost: number[];
  inserted: number;
  code: string | null;
}

/** Carries out the order of the command line. The module that calls it is the worker of a `TestedStore`. */
export async function serveWorker(newStore: (path: string, name: string) => SqliteStore): Promise<void> {
  const order: Order = JSON.parse(process.argv[2] ?? '{}');
  const store = newStore(order.path, order.store);
  const answer: Answer = {
    identity: String(await store.liveness?.identify()),
    done: [],
    lost: [],
    inserted: 0,
    code: null,
  };
  try {
    if (order.what !== 'open') await store.open();
    process.send?.('ready');
    await once(process, 'message');
    if (order.what === 'open') await store.open();
    if (order.what === 'work') await work(store, order, answer);
    if (order.what === 'hold') await hold(store, order, answer);
    if (order.what === 'ingest') await ingest(store, order, answer);
  } catch (error) {
    answer.code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
  process.send?.(answer);
  if (order.what === 'hold') return;
  await store.close();
  process.disconnect?.();
}

async function work(store: SqliteStore, order: Order, answer: Answer): Promise<void> {
  let settle: Settlement[] = [];
  for (;;) {
    const now = Date.now();
    const claim = { limit: order.limit ?? 20, leaseUntil: now + 30_000 };
    const result = await store.exchange('t', { owner: order.owner, now, settle, claim });
    const lost = new Set(result.lost);
    answer.lost.push(...lost);
    answer.done.push(...settle.map(({ seq }) => seq).filter((seq) => !lost.has(seq)));
    settle = result.claimed.map(({ seq }) => completed(seq));
    if (settle.length === 0 && result.counts.pending === 0) return;
    // A handler takes its time; a process without any could do it all before another gets its turn.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function hold(store: SqliteStore, order: Order, answer: Answer): Promise<void> {
  const now = Date.now();
  const claim = { limit: order.limit ?? 20, leaseUntil: now + 3_600_000 };
  const result = await store.exchange('t', { owner: order.owner, now, settle: [], claim });
  answer.done.push(...result.claimed.map(({ seq }) => seq));
  setInterval(() => {}, 1_000_000);
}

async function ingest(store: SqliteStore, order: Order, answer: Answer): Promise<void> {
  const all = newJobs(1, order.jobs ?? 0);
  for (let at = 0; at < all.length; at += 100) {
    const added = await store.insertJobs('t', all.slice(at, at + 100), { now: Date.now(), last: false });
    answer.inserted += added.inserted;
  }
}
