// Leases: who holds jobs of a task and until when. All of it runs inside a transaction of the caller.
import type { Exchange, OwnerRecord } from '@taskhub/core';
import type { Database } from './database.js';
import { firstId, lastId } from './schema.js';
import type { HeadRow } from './task-rows.js';

/** An owner with a lease in one task. */
export interface OwnerRow {
  no: number;
  id: string;
  until: number;
}

const READ_OWNERS = 'SELECT no, id, until FROM owner WHERE task = ?';
const INSERT_OWNER = 'INSERT INTO owner (task, id, until) VALUES (?, ?, ?)';
const WRITE_LEASE = 'UPDATE owner SET until = ? WHERE no = ?';
const WRITE_LEASES = 'UPDATE owner SET until = ? WHERE id = ?';
const READ_HELD = 'SELECT id FROM live WHERE id > ? AND id <= ? AND owner = ? ORDER BY id';
const DELETE_OWNER = 'DELETE FROM owner WHERE no = ?';
// A crash counts as such and keeps the attempt spent; a release gives the attempt back.
const TAKE_BACK_CRASHED = `UPDATE live SET owner = NULL, due_at = ?, crashes = crashes + 1
  WHERE id > ? AND id <= ? AND owner = ?`;
const TAKE_BACK_RELEASED = `UPDATE live SET owner = NULL, due_at = ?, attempts = attempts - 1
  WHERE id > ? AND id <= ? AND owner = ?`;

/** Owners with a lease in a task, passed or not, in any order. */
export function readOwners(db: Database, task: number): OwnerRow[] {
  return db.sql<OwnerRow>(READ_OWNERS).all(task);
}

/** The same in their public form, in the order in which they came. */
export function listOwners(db: Database, task: number): OwnerRecord[] {
  const owners = readOwners(db, task).sort((a, b) => a.no - b.no);
  return owners.map(({ id, until }) => ({ id, leaseUntil: until }));
}

/** Places of the jobs that an owner holds. */
export function listHeld(db: Database, task: number, owner: OwnerRow): number[] {
  const rows = db.sql<{ id: number }>(READ_HELD).all(firstId(task), lastId(task), owner.no);
  return rows.map((row) => row.id - firstId(task));
}

/**
 * The number under which rows name the owner of an exchange; undefined if it has no lease. A claim begins one, or
 * moves its end.
 */
export function leaseOf(
  db: Database,
  task: number,
  { owner, claim }: Exchange,
  owners: readonly OwnerRow[],
): number | undefined {
  const known = owners.find((row) => row.id === owner);
  if (claim === null) return known?.no;
  if (known === undefined) return beginLease(db, task, owner, claim.leaseUntil);
  if (known.until !== claim.leaseUntil) db.sql(WRITE_LEASE).run(claim.leaseUntil, known.no);
  return known.no;
}

/** Gives an owner a lease in a task, and the number under which rows name it. */
export function beginLease(db: Database, task: number, owner: string, until: number): number {
  return Number(db.sql(INSERT_OWNER).run(task, owner, until).lastInsertRowid);
}

/** Moves the end of all leases that an owner has. */
export function renewLeases(db: Database, id: string, until: number): void {
  db.sql(WRITE_LEASES).run(until, id);
}

/** Ends a lease: what the owner held waits, due at `now`. Changes the counters of `head`; gives the number of jobs. */
export function endLease(
  db: Database,
  head: HeadRow,
  owner: OwnerRow,
  crashed: boolean,
  now: number,
): number {
  const takeBack = crashed ? TAKE_BACK_CRASHED : TAKE_BACK_RELEASED;
  const taken = Number(db.sql(takeBack).run(now, firstId(head.no), lastId(head.no), owner.no).changes);
  db.sql(DELETE_OWNER).run(owner.no);
  head.active -= taken;
  head.waiting += taken;
  return taken;
}
