// Leases: who holds jobs of a task and until when. All of it runs inside a transaction of the caller.
import type { OwnerRecord } from '@taskhub/core';
import { keysOf, type LiveRow, type OwnerRow, type ProgressRow } from './schema.js';
import type { Transaction } from './transaction.js';

/** Owners with a lease in a task, passed or not. */
export function readOwners(tx: Transaction, task: number): Promise<OwnerRow[]> {
  return tx.getAll('owner', keysOf(task));
}

/** The same in their public form. */
export async function listOwners(tx: Transaction, task: number): Promise<OwnerRecord[]> {
  return (await readOwners(tx, task)).map(({ id, until }) => ({ id, leaseUntil: until }));
}

/** Moves the end of all leases that an owner has. */
export async function renewLeases(tx: Transaction, id: string, until: number): Promise<void> {
  for (const owner of await tx.getAllBy('owner', 'id', IDBKeyRange.only(id))) {
    tx.put('owner', { ...owner, until });
  }
}

/**
 * The rows of jobs in hand as they will be when the jobs are no longer: those of jobs on their first attempt are new.
 */
export async function readHeld(tx: Transaction, owner: OwnerRow): Promise<LiveRow[]> {
  const { task } = owner;
  const rows = owner.held.map(async ({ seq, again }) => {
    const row = again ? await tx.get('live', [task, seq]) : undefined;
    return row ?? firstAttempt(task, seq);
  });
  return Promise.all(rows);
}

/** The row of a job in hand that was never claimed before. */
export function firstAttempt(task: number, seq: number): LiveRow {
  return { task, seq, attempts: 1, throttles: 0, crashes: 0, error: null };
}

/** Ends a lease: what the owner held waits, due at `now`. Changes the counters; gives the number of jobs. */
export async function endLease(
  tx: Transaction,
  progress: ProgressRow,
  owner: OwnerRow,
  crashed: boolean,
  now: number,
): Promise<number> {
  const rows = await readHeld(tx, owner);
  for (const row of rows) {
    // A crash counts as such and keeps the attempt spent; a release gives the attempt back.
    if (crashed) row.crashes += 1;
    else row.attempts -= 1;
    tx.put('live', { ...row, dueAt: now });
  }
  tx.delete('owner', [owner.task, owner.id]);
  progress.active -= rows.length;
  progress.waiting += rows.length;
  return rows.length;
}
