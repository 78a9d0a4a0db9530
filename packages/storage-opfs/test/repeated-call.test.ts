// A call that is made twice comes to the same as once, whether or not the first was carried out.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Exchange, NewTask, Settlement } from '@taskhub/core';
import { NodeSQLiteAdapter } from '@taskhub/storage-node';
import { newJobs, newTask, T0 } from 'tabs/rows';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Calls, Method } from '../src/messages.js';
import { callOn, repeatOn } from '../src/repeated-call.js';

// Any SQLite store will do: what is tested here is over the contract, and the rows are the same.
async function openStore(): Promise<NodeSQLiteAdapter> {
  const folder = mkdtempSync(join(tmpdir(), 'taskhub-repeated-'));
  const store = new NodeSQLiteAdapter(join(folder, 'test.db'));
  await store.open();
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return store;
}

const provisional: NewTask = { ...newTask('provisional'), status: 'ingesting' };
const root = 'ab'.repeat(32);
const claimOf = (limit: number): Exchange => ({
  owner: 'ann',
  now: T0,
  settle: [],
  claim: { limit, leaseUntil: T0 + 30_000 },
});
const settlement = (seq: number): Settlement => {
  return { seq, startedAt: T0, endedAt: T0 + 1, outcome: 'completed', output: '1' };
};

interface Case<M extends Method = Method> {
  title: string;
  before?: (store: NodeSQLiteAdapter) => Promise<unknown>;
  /** Jobs that the caller knows to hold. */
  held?: number[];
  method: M;
  args: Parameters<Calls[M]>;
}
const of = <M extends Method>(one: Case<M>): Case => one as unknown as Case;

async function withJobs(store: NodeSQLiteAdapter): Promise<void> {
  await store.insertTask(newTask('t'));
  await store.insertJobs('t', newJobs(1, 20), { now: T0, last: true });
}

async function withClaimed(store: NodeSQLiteAdapter): Promise<void> {
  await withJobs(store);
  await store.exchange('t', claimOf(5));
}

const CASES: Case[] = [
  of({ title: 'insertTask, a visible one', method: 'insertTask', args: [newTask('t')] }),
  of({ title: 'insertTask, one to be ingested', method: 'insertTask', args: [provisional] }),
  of({
    title: 'publishTask',
    before: (store) => store.insertTask(provisional),
    method: 'publishTask',
    args: ['provisional', { id: 'final', root, duplicates: 0 }, T0 + 5],
  }),
  of({
    title: 'transitionTask',
    before: (store) => store.insertTask(newTask('t')),
    method: 'transitionTask',
    args: ['t', ['idle'], { status: 'running' }, T0 + 5],
  }),
  of({
    title: 'transitionTask, from a status that the task has not',
    before: (store) => store.insertTask(newTask('t')),
    method: 'transitionTask',
    args: ['t', ['paused'], { status: 'running' }, T0 + 5],
  }),
  of({
    title: 'insertJobs',
    before: (store) => store.insertTask(newTask('t')),
    method: 'insertJobs',
    args: ['t', newJobs(1, 100), { now: T0, last: true }],
  }),
  of({
    title: 'insertJobs, with repeats of a batch before and of its own',
    before: withJobs,
    method: 'insertJobs',
    args: [
      't',
      [...newJobs(5, 6), ...newJobs(21, 30), ...newJobs(21, 22)].map((job, at) => ({ ...job, seq: 21 + at })),
      { now: T0, last: true },
    ],
  }),
  of({ title: 'exchange that claims', before: withJobs, method: 'exchange', args: ['t', claimOf(5)] }),
  of({
    title: 'exchange that settles and claims',
    before: withClaimed,
    held: [1, 2, 3, 4, 5],
    method: 'exchange',
    args: ['t', { ...claimOf(2), settle: [settlement(1), settlement(3)] }],
  }),
  of({
    title: 'exchange that only settles',
    before: withClaimed,
    held: [1, 2, 3, 4, 5],
    method: 'exchange',
    args: ['t', { ...claimOf(0), claim: null, settle: [settlement(1)] }],
  }),
  of({
    title: 'exchange of retries',
    before: withClaimed,
    held: [1, 2, 3, 4, 5],
    method: 'exchange',
    args: [
      't',
      {
        ...claimOf(2),
        settle: [{ seq: 2, startedAt: T0, endedAt: T0, outcome: 'retry', error: 'e', dueAt: T0 + 999 }],
      },
    ],
  }),
  of({
    title: 'exchange of an owner whose lease was taken',
    before: async (store) => {
      await withClaimed(store);
      await store.releaseJobs('t', { owner: 'ann', crashed: true }, T0);
    },
    held: [1, 2, 3, 4, 5],
    method: 'exchange',
    args: ['t', { ...claimOf(0), claim: null, settle: [settlement(1)] }],
  }),
  of({ title: 'exchange of a task that is gone', method: 'exchange', args: ['t', claimOf(5)] }),
  of({ title: 'renewLeases', before: withClaimed, method: 'renewLeases', args: ['ann', T0 + 99_000] }),
  of({ title: 'readJobs', before: withClaimed, method: 'readJobs', args: ['t', { limit: 100 }] }),
];

/** Everything that a store shows of its tasks. */
async function contentOf(store: NodeSQLiteAdapter): Promise<unknown> {
  const shown: unknown[] = [];
  for (const status of [undefined, 'ingesting'] as const) {
    const query = status === undefined ? { limit: 10 } : { status, limit: 10 };
    for (const task of (await store.listTasks(query)).rows) {
      const { rows } = await store.readJobs(task.id, { limit: 1_000 });
      shown.push(task, rows, await store.listOwners(task.id), await store.listHeld(task.id, 'ann'));
    }
  }
  return shown;
}

describe('a call whose answer was lost with the tab that had it', () => {
  for (const { title, before, method, args, held = [] } of CASES) {
    for (const wasCarriedOut of [true, false]) {
      const how = wasCarriedOut ? 'that had been carried out' : 'that had not';
      test(`${title}, ${how}: made again, it comes to the same as once`, async () => {
        const [once, twice] = [await openStore(), await openStore()];
        await before?.(once);
        await before?.(twice);
        const expected = await callOn(once, method, args);
        if (wasCarriedOut) await callOn(twice, method, args);
        expect(await repeatOn(twice, method, args, held)).toEqual(expected);
        expect(await contentOf(twice)).toEqual(await contentOf(once));
      });
    }
  }

  test('deleteTask, resetFailed and releaseJobs: the task is as it would be; their number may be too small', async () => {
    const store = await openStore();
    await withClaimed(store);
    expect(await store.releaseJobs('t', { owner: 'ann', crashed: false }, T0)).toBe(5);
    expect(await repeatOn(store, 'releaseJobs', ['t', { owner: 'ann', crashed: false }, T0], [])).toBe(0);
    expect((await store.readTask('t'))?.counts).toMatchObject({ pending: 20, waiting: 5 });
    expect(await repeatOn(store, 'resetFailed', ['t', 100, T0], [])).toMatchObject({ reset: 0 });
    await store.deleteTask('t');
    expect(await repeatOn(store, 'deleteTask', ['t'], [])).toBe(false);
    expect(await store.readTask('t')).toBeNull();
  });
});
