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
  held: number;
  ingests: number;
}

const READ_OWNERS = 'SELECT no, id, until, held, ingests FROM owner WHERE task = ?';
const INSERT_OWNER = 'INSERT INTO owner (task, id, until, held, ingests) VALUES (?, ?, ?, 0, 0)';
const WRITE_LEASE = 'UPDATE owner SET until = ?, held = ? WHERE no = ?';
const WRITE_LEASES = 'UPDATE owner SET until = ? WHERE id = ?';
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

/** The lease of the caller of an exchange, while the exchange runs. */
export class Lease {
  /** Jobs held now; whoever settles or claims counts. */
  held: number;
  readonly #db: Database;
  readonly #task: number;
  readonly #id: string;
  readonly #until: number | undefined;
  #stored: OwnerRow | undefined;

  constructor(db: Database, task: number, { owner, claim }: Exchange, stored: readonly OwnerRow[]) {
    this.#db = db;
    this.#task = task;
    this.#id = owner;
    this.#until = claim?.leaseUntil;
    this.#stored = stored.find((row) => row.id === owner);
    this.held = this.#stored?.held ?? 0;
  }

  /** The number under which rows name the owner. It gets one when it claims its first job. */
  get no(): number {
    this.#stored ??= this.#insert();
    return this.#stored.no;
  }

  #insert(): OwnerRow {
    const until = this.#until ?? 0; // Only a claim asks for a new number.
    const inserted = this.#db.sql(INSERT_OWNER).run(this.#task, this.#id, until);
    return { no: Number(inserted.lastInsertRowid), id: this.#id, until, held: 0, ingests: 0 };
  }

  /** Stores the new end and the number of jobs. One that holds nothing has no lease. */
  write(): void {
    if (this.#stored === undefined) return;
    const { no, until, held, ingests } = this.#stored;
    const end = this.#until ?? until;
    if (this.held === 0 && ingests === 0) this.#db.sql(DELETE_OWNER).run(no);
    else if (end !== until || this.held !== held) this.#db.sql(WRITE_LEASE).run(end, this.held, no);
  }
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
