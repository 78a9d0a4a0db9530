// One call of the dispatcher as one transaction: end passed leases, settle, claim, write the counters.
import type { ClaimedJob, Exchange, ExchangeResult, Settlement } from '@taskhub/core';
import { bySize, inPieces, repeat } from './by-size.js';
import type { Database } from './database.js';
import type { SqliteValue } from './driver.js';
import { endLease, leaseOf, type OwnerRow, readOwners } from './owners.js';
import { firstId } from './schema.js';
import { countsOf, type HeadRow, NO_JOBS, readHead, writeProgress } from './task-rows.js';

interface HeldRow {
  id: number;
  attempts: number;
  throttles: number;
}

interface JobColumns {
  id: number;
  hash: Uint8Array;
  key: string | null;
  input: string;
}

interface DueRow extends JobColumns {
  attempts: number;
  throttles: number;
  crashes: number;
  error: string | null;
}

const marks = (rows: number): string => repeat('?', rows);
const READ_HELD = bySize(
  (rows) => `SELECT id, attempts, throttles FROM live WHERE owner = ? AND id IN (${marks(rows)})`,
);
const INSERT_RESULTS = bySize((rows) => `INSERT INTO result VALUES ${repeat('(?, ?, ?, ?, ?, ?, ?)', rows)}`);
const DELETE_LIVE = bySize((rows) => `DELETE FROM live WHERE id IN (${marks(rows)})`);
const WAIT = 'UPDATE live SET owner = NULL, due_at = ?, attempts = ?, throttles = ?, error = ? WHERE id = ?';
const WAIT_WITH_ERROR_KEPT = 'UPDATE live SET owner = NULL, due_at = ?, attempts = ? WHERE id = ?';
// CROSS JOIN keeps the order of the index; `owner IS NULL` must stand here for the partial index to be used.
const READ_DUE = `SELECT l.id, hash, key, input, attempts, throttles, crashes, error
  FROM live l CROSS JOIN job j ON j.id = l.id
  WHERE l.task = ? AND l.owner IS NULL AND l.due_at <= ? ORDER BY l.due_at, l.id LIMIT ?`;
const HOLD_DUE = bySize(
  (rows) => `UPDATE live SET owner = ?, due_at = ?, attempts = attempts + 1 WHERE id IN (${marks(rows)})`,
);
const READ_FRESH = 'SELECT id, hash, key, input FROM job WHERE id > ? AND id <= ? ORDER BY id LIMIT ?';
const HOLD_FRESH = `INSERT INTO live SELECT id, ?, ?, ?, 1, 0, 0, NULL FROM job WHERE id > ? AND id <= ?`;
// The same for a task with copied results: jobs that have one are passed over.
const UNDONE = 'NOT EXISTS (SELECT 1 FROM result WHERE result.id = job.id)';
const READ_FRESH_UNDONE = `SELECT id, hash, key, input FROM job WHERE id > ? AND id <= ? AND ${UNDONE} ORDER BY id LIMIT ?`;
const HOLD_FRESH_UNDONE = `${HOLD_FRESH} AND ${UNDONE}`;
const NEXT_DUE = 'SELECT due_at FROM live WHERE task = ? AND owner IS NULL ORDER BY due_at LIMIT 1';

/** Most jobs with copied results that one call passes over on its way to fresh ones: about 10 ms. */
const LONGEST_SKIP = 20_000;

/** See `StorageAdapter.exchange`. Runs inside a transaction. */
export function exchange(db: Database, taskId: string, batch: Exchange): ExchangeResult {
  const head = readHead(db, taskId, batch.no);
  if (head === null) {
    const lost = batch.settle.map((settlement) => settlement.seq);
    return { claimed: [], lost, counts: NO_JOBS, status: null, nextDueAt: null };
  }
  const before = { ...head };
  const owners = readOwners(db, head.no);
  const others = owners.filter(
    (owner) => owner.id !== batch.owner && !endIfPassed(db, head, owner, batch.now),
  );
  const own = leaseOf(db, head.no, batch, owners);
  const lost = settle(db, head, own, batch.settle);
  const claimed = own === undefined ? [] : claim(db, head, own, batch);
  if (isChanged(before, head)) writeProgress(db, head.no, head);
  // Fewer than asked for, although the end was not reached (see LONGEST_SKIP): come again at once.
  const skipped = claimed.length < (batch.claim?.limit ?? 0) && head.cursor < head.last_seq;
  const nextDueAt = skipped ? batch.now : nextDue(db, head, others, batch);
  return { claimed, lost, counts: countsOf(head), status: head.status, nextDueAt };
}

function isChanged(before: HeadRow, after: HeadRow): boolean {
  // Nothing else moves in an exchange.
  return (
    before.cursor !== after.cursor ||
    before.active !== after.active ||
    before.waiting !== after.waiting ||
    before.completed !== after.completed ||
    before.failed !== after.failed
  );
}

function endIfPassed(db: Database, head: HeadRow, owner: OwnerRow, now: number): boolean {
  if (owner.until > now) return false;
  endLease(db, head, owner, true, now);
  return true;
}

function nextDue(db: Database, head: HeadRow, others: readonly OwnerRow[], batch: Exchange): number | null {
  const ends = others.map((owner) => owner.until);
  const due = firstDue(db, head);
  if (due !== undefined) ends.push(isFarOff(due, batch) ? batch.now : due);
  return ends.length > 0 ? Math.min(...ends) : null;
}

function firstDue(db: Database, head: HeadRow): number | undefined {
  return head.waiting > 0 ? db.sql<{ due_at: number }>(NEXT_DUE).get(head.no)?.due_at : undefined;
}

/** See `Claim.longestWait`. */
function isFarOff(dueAt: number | undefined, { now, claim }: Exchange): boolean {
  return dueAt !== undefined && dueAt > now + (claim?.longestWait ?? Number.POSITIVE_INFINITY);
}

// --- settle ---

/** Moves held jobs to `result` or back to waiting; gives the seqs that `own` does not hold. */
function settle(
  db: Database,
  head: HeadRow,
  own: number | undefined,
  settlements: readonly Settlement[],
): number[] {
  if (own === undefined) return settlements.map((settlement) => settlement.seq);
  const lost: number[] = [];
  for (const piece of inPieces(settlements)) settlePiece(db, head, own, piece, lost);
  return lost;
}

function settlePiece(
  db: Database,
  head: HeadRow,
  own: number,
  piece: readonly Settlement[],
  lost: number[],
): void {
  const base = firstId(head.no);
  const ids = piece.map((settlement) => base + settlement.seq);
  const held = new Map<number, HeldRow>();
  for (const row of db.sql<HeldRow>(READ_HELD(ids.length)).all(own, ...ids)) held.set(row.id, row);
  const ended: number[] = [];
  const results: SqliteValue[] = [];
  for (const settlement of piece) {
    const row = held.get(base + settlement.seq);
    if (row === undefined) {
      lost.push(settlement.seq);
      continue;
    }
    held.delete(row.id); // A second settlement of the same job finds nothing: it is lost.
    head.active -= 1;
    if (settlement.outcome === 'completed' || settlement.outcome === 'failed') {
      ended.push(row.id);
      addResult(head, row, settlement, results);
    } else {
      head.waiting += 1;
      wait(db, row, settlement);
    }
  }
  if (ended.length === 0) return;
  db.sql(INSERT_RESULTS(ended.length)).run(...results);
  db.sql(DELETE_LIVE(ended.length)).run(...ended);
}

type Ending = Extract<Settlement, { outcome: 'completed' | 'failed' }>;

function addResult(head: HeadRow, row: HeldRow, ending: Ending, results: SqliteValue[]): void {
  const completed = ending.outcome === 'completed';
  head[completed ? 'completed' : 'failed'] += 1;
  const attempt = completed ? 'spent' : ending.attempt;
  results.push(row.id, row.attempts - (attempt === 'unused' ? 1 : 0));
  results.push(row.throttles + (attempt === 'refused' ? 1 : 0), ending.startedAt, ending.endedAt);
  results.push(completed ? ending.output : null, completed ? null : ending.error);
}

function wait(db: Database, row: HeldRow, settlement: Exclude<Settlement, Ending>): void {
  if (settlement.outcome === 'interrupted') {
    db.sql(WAIT_WITH_ERROR_KEPT).run(settlement.dueAt, row.attempts - 1, row.id);
    return;
  }
  const throttles = row.throttles + (settlement.outcome === 'throttled' ? 1 : 0);
  db.sql(WAIT).run(settlement.dueAt, row.attempts, throttles, settlement.error, row.id);
}

// --- claim ---

/** Moves due jobs, then fresh ones, to the owner; charges the attempt. */
function claim(db: Database, head: HeadRow, own: number, batch: Exchange): ClaimedJob[] {
  const claimed: ClaimedJob[] = [];
  const limit = batch.claim?.limit ?? 0;
  if (limit > 0 && head.waiting > 0) claimDue(db, head, own, batch, limit, claimed);
  if (limit > claimed.length && head.cursor < head.last_seq)
    claimFresh(db, head, own, batch.now, limit, claimed);
  head.active += claimed.length;
  return claimed;
}

function claimDue(
  db: Database,
  head: HeadRow,
  own: number,
  batch: Exchange,
  limit: number,
  claimed: ClaimedJob[],
): void {
  const base = firstId(head.no);
  const { now } = batch;
  let rows = db.sql<DueRow>(READ_DUE).all(head.no, now, limit);
  if (rows.length === 0 && isFarOff(firstDue(db, head), batch))
    rows = db.sql<DueRow>(READ_DUE).all(head.no, Number.MAX_SAFE_INTEGER, limit);
  for (const piece of inPieces(rows)) {
    db.sql(HOLD_DUE(piece.length)).run(own, now, ...piece.map((row) => row.id));
  }
  for (const { id, hash, key, input, attempts, throttles, crashes, error } of rows) {
    claimed.push({ seq: id - base, hash, key, input, attempts: attempts + 1, throttles, crashes, error });
  }
  head.waiting -= rows.length;
}

function claimFresh(
  db: Database,
  head: HeadRow,
  own: number,
  now: number,
  limit: number,
  claimed: ClaimedJob[],
): void {
  const base = firstId(head.no);
  const missing = limit - claimed.length;
  const copied = head.reused > 0;
  const after = base + head.cursor;
  const end = copied ? Math.min(head.last_seq, head.cursor + LONGEST_SKIP) : head.last_seq;
  const rows = db.sql<JobColumns>(copied ? READ_FRESH_UNDONE : READ_FRESH).all(after, base + end, missing);
  for (const { id, hash, key, input } of rows) {
    claimed.push({ seq: id - base, hash, key, input, attempts: 1, throttles: 0, crashes: 0, error: null });
  }
  // The last one claimed, or all that was looked through if there were fewer than asked for.
  head.cursor = rows.length === missing ? (claimed.at(-1)?.seq ?? head.cursor) : end;
  if (rows.length === 0) return;
  db.sql(copied ? HOLD_FRESH_UNDONE : HOLD_FRESH).run(head.no, own, now, after, base + head.cursor);
}
