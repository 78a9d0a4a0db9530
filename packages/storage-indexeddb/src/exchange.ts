// One call of the dispatcher as one transaction: end passed leases, settle, claim, write the counters.
import type { Claim, ClaimedJob, Exchange, ExchangeResult, Settlement } from '@taskhub/core';
import { readFresh } from './fresh-jobs.js';
import { readJobsAt } from './job-blocks.js';
import { endLease, firstAttempt, readOwners } from './owners.js';
import {
  type HeldJob,
  keysOf,
  type LiveRow,
  type OwnerRow,
  type ProgressRow,
  type SettledRow,
} from './schema.js';
import { writeSettled } from './settled-pieces.js';
import { countsOf, NO_JOBS, readHead } from './task-rows.js';
import type { Transaction } from './transaction.js';

/** See `StorageAdapter.exchange`. Runs inside a transaction. */
export async function exchange(tx: Transaction, taskId: string, batch: Exchange): Promise<ExchangeResult> {
  const no = tx.numbers.get(taskId);
  const [head, early] = await Promise.all([
    readHead(tx, taskId, batch.no),
    no === undefined ? undefined : readOwners(tx, no),
  ]);
  if (head === null) {
    const lost = batch.settle.map((settlement) => settlement.seq);
    return { claimed: [], lost, counts: NO_JOBS, status: null, nextDueAt: null };
  }
  const { task, progress } = head;
  const before = { ...progress };
  let own: OwnerRow | undefined;
  const others: OwnerRow[] = [];
  const owners = early !== undefined && no === task.no ? early : await readOwners(tx, task.no);
  for (const owner of owners) {
    if (owner.id === batch.owner) own = owner;
    else if (owner.until <= batch.now) await endLease(tx, progress, owner, true, batch.now);
    else others.push(owner);
  }
  const lost = await settle(tx, progress, own, batch.settle);
  let claimed: ClaimedJob[] = [];
  if (batch.claim !== null) {
    own ??= { task: task.no, id: batch.owner, until: 0, held: [] };
    own.until = batch.claim.leaseUntil;
    claimed = await claim(tx, progress, own, batch.claim, batch.now);
  }
  if (own !== undefined && (batch.claim !== null || lost.length < batch.settle.length)) tx.put('owner', own);
  if (isChanged(before, progress)) tx.put('progress', progress);
  // Fewer than asked for, although the end was not reached (see fresh-jobs.ts): come again at once.
  const skipped = claimed.length < (batch.claim?.limit ?? 0) && progress.cursor < progress.lastSeq;
  const nextDueAt = skipped ? batch.now : await nextDue(tx, progress, others, batch);
  return { claimed, lost, counts: countsOf(progress), status: task.status, nextDueAt };
}

function isChanged(before: ProgressRow, after: ProgressRow): boolean {
  return (Object.keys(after) as (keyof ProgressRow)[]).some((name) => before[name] !== after[name]);
}

async function nextDue(
  tx: Transaction,
  progress: ProgressRow,
  others: readonly OwnerRow[],
  { now, claim }: Exchange,
): Promise<number | null> {
  const ends = others.map((owner) => owner.until);
  const due = await firstDue(tx, progress);
  if (due !== undefined) ends.push(isFarOff(due, now, claim) ? now : due);
  return ends.length > 0 ? Math.min(...ends) : null;
}

async function firstDue(tx: Transaction, progress: ProgressRow): Promise<number | undefined> {
  if (progress.waiting === 0) return undefined;
  return (await tx.getBy('live', 'due', keysOf(progress.task)))?.dueAt;
}

/** See `Claim.longestWait`. */
function isFarOff(dueAt: number | undefined, now: number, claim: Claim | null): boolean {
  return dueAt !== undefined && dueAt > now + (claim?.longestWait ?? Number.POSITIVE_INFINITY);
}

// --- settle ---

/** Appends the results of jobs in hand, or lets them wait again; gives the seqs that `own` does not hold. */
async function settle(
  tx: Transaction,
  progress: ProgressRow,
  own: OwnerRow | undefined,
  settlements: readonly Settlement[],
): Promise<number[]> {
  if (settlements.length === 0) return [];
  const held = new Map<number, HeldJob>(own?.held.map((job) => [job.seq, job]));
  const histories = await readHistories(tx, progress.task, held, settlements);
  const lost: number[] = [];
  const completed: SettledRow[] = [];
  const failed: SettledRow[] = [];
  for (const settlement of settlements) {
    const { seq } = settlement;
    const job = held.get(seq);
    if (job === undefined) {
      lost.push(seq);
      continue;
    }
    held.delete(seq); // A second settlement of the same job finds nothing: it is lost.
    const row = histories.get(seq) ?? firstAttempt(progress.task, seq);
    if (settlement.outcome === 'completed') completed.push(resultOf(row, settlement, settlement.output));
    else if (settlement.outcome === 'failed') {
      if (settlement.attempt === 'unused') row.attempts -= 1;
      if (settlement.attempt === 'refused') row.throttles += 1;
      failed.push(resultOf(row, settlement, settlement.error));
    } else {
      wait(tx, row, settlement);
      progress.waiting += 1;
      continue;
    }
    if (job.again) tx.delete('live', [progress.task, seq]);
  }
  writeSettled(tx, progress.task, 'completed', completed);
  writeSettled(tx, progress.task, 'failed', failed);
  progress.active -= settlements.length - lost.length;
  progress.completed += completed.length;
  progress.failed += failed.length;
  if (own !== undefined) own.held = own.held.filter(({ seq }) => held.has(seq));
  return lost;
}

/** The rows of those that are held again. */
async function readHistories(
  tx: Transaction,
  task: number,
  held: ReadonlyMap<number, HeldJob>,
  settlements: readonly Settlement[],
): Promise<Map<number, LiveRow>> {
  const again = settlements.filter(({ seq }) => held.get(seq)?.again === true);
  const rows = await Promise.all(again.map(({ seq }) => tx.get('live', [task, seq])));
  return new Map(rows.flatMap((row) => (row === undefined ? [] : [[row.seq, row]])));
}

function resultOf(
  { seq, attempts, throttles }: LiveRow,
  { startedAt, endedAt }: Settlement,
  text: string | null,
): SettledRow {
  return { seq, attempts, throttles, startedAt, endedAt, text };
}

function wait(tx: Transaction, row: LiveRow, settlement: Extract<Settlement, { dueAt: number }>): void {
  if (settlement.outcome === 'interrupted') row.attempts -= 1;
  else row.error = settlement.error;
  if (settlement.outcome === 'throttled') row.throttles += 1;
  tx.put('live', { ...row, dueAt: settlement.dueAt });
}

// --- claim ---

/** Moves due jobs, then fresh ones, to the owner; charges the attempt. */
async function claim(
  tx: Transaction,
  progress: ProgressRow,
  own: OwnerRow,
  wanted: Claim,
  now: number,
): Promise<ClaimedJob[]> {
  const claimed: ClaimedJob[] = [];
  const { limit } = wanted;
  if (limit > 0 && progress.waiting > 0) claimed.push(...(await claimDue(tx, progress, own, wanted, now)));
  const missing = limit - claimed.length;
  if (missing > 0 && progress.cursor < progress.lastSeq) {
    const fresh = await readFresh(tx, progress, progress.cursor, missing);
    progress.cursor = fresh.end;
    for (const { seq, hash, key, input } of fresh.rows) {
      own.held.push({ seq, claimedAt: now, again: false });
      claimed.push({ seq, hash, key, input, attempts: 1, throttles: 0, crashes: 0, error: null });
    }
  }
  progress.active += claimed.length;
  return claimed;
}

async function claimDue(
  tx: Transaction,
  progress: ProgressRow,
  own: OwnerRow,
  wanted: Claim,
  now: number,
): Promise<ClaimedJob[]> {
  const { task } = progress;
  const dueBy = (time: number) =>
    tx.getAllBy('live', 'due', IDBKeyRange.bound([task], [task, time]), wanted.limit);
  let due = await dueBy(now);
  if (due.length === 0 && isFarOff(await firstDue(tx, progress), now, wanted))
    due = await dueBy(Number.MAX_SAFE_INTEGER);
  const jobs = await readJobsAt(
    tx,
    task,
    due.map((row) => row.seq),
  );
  progress.waiting -= due.length;
  return due.map(({ dueAt: _, ...row }) => {
    const { seq, throttles, crashes, error } = row;
    const job = jobs.get(seq);
    if (job === undefined) throw new Error(`job ${seq} of task ${task} is missing`);
    const attempts = row.attempts + 1;
    tx.put('live', { ...row, attempts });
    own.held.push({ seq, claimedAt: now, again: true });
    return { seq, hash: job.hash, key: job.key, input: job.input, attempts, throttles, crashes, error };
  });
}
