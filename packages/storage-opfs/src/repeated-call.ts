// A call that is made again because the tab that had it died before it answered: it may have been carried out, or not.
//
// Each call is one transaction, so it is there as a whole or not at all, and each carries enough to see which:
//   readTask, listTasks, listOwners, readJobs, exportDatabase   change nothing
//   renewLeases, deleteTask        come to the same when they are done twice
//   releaseJobs, resetFailed       likewise; only the number they give may be too small
//   insertTask, publishTask, transitionTask   leave the `now` of the call in the row: what has it is our doing
//   insertJobs      the jobs that were inserted come back as repeats of themselves, at the places we gave them
//   exchange        the jobs it settled are held no more, and those it claimed are held by an owner who does not know it
import type {
  Exchange,
  ExchangeResult,
  InsertResult,
  NewJob,
  NewTask,
  StorageAdapter,
  TaskPatch,
  TaskRecord,
} from '@taskhub/core';
import type { SqliteStore } from '@taskhub/storage-sqlite';
import type { Calls, Method } from './messages.js';

/** A store that can say who holds what. */
type Store = StorageAdapter & Pick<SqliteStore, 'listHeld'>;

/** Any call of the contract on a store. */
export function callOn(store: StorageAdapter, method: Method, args: readonly unknown[]): Promise<unknown> {
  const call = (store as Calls)[method] as (...args: readonly unknown[]) => Promise<unknown>;
  return call.apply(store, [...args]);
}

/** How the calls are made again that would not come to the same. */
const AGAIN: {
  [M in Method]?: (store: Store, held: readonly number[], ...args: Parameters<Calls[M]>) => unknown;
} = { insertTask, publishTask, transitionTask, insertJobs, exchange };

/**
 * Makes a call that may have been carried out before, so that it comes to the same as once.
 *
 * @param held - for an exchange: places of the jobs that its caller knows to hold, those that it settles included
 */
export function repeatOn(
  store: Store,
  method: Method,
  args: readonly unknown[],
  held: readonly number[],
): Promise<unknown> {
  const again = AGAIN[method] as ((...args: unknown[]) => Promise<unknown>) | undefined;
  return again === undefined ? callOn(store, method, args) : again(store, held, ...args);
}

type Made = { task: TaskRecord; created: boolean };

async function insertTask(store: Store, _held: unknown, task: NewTask): Promise<Made> {
  const made = await store.insertTask(task);
  const isOurs = made.task.createdAt === task.now && made.task.options === task.options;
  return { ...made, created: made.created || isOurs };
}

async function publishTask(
  store: Store,
  _held: unknown,
  ...[provisional, final, now]: Parameters<Calls['publishTask']>
): Promise<Made> {
  const made = await store.publishTask(provisional, final, now);
  return { ...made, created: made.created || made.task.updatedAt === now };
}

async function transitionTask(
  store: Store,
  _held: unknown,
  ...[id, from, patch, now]: Parameters<Calls['transitionTask']>
): Promise<TaskRecord | null> {
  const written = await store.transitionTask(id, from, patch, now);
  if (written !== null) return written;
  const task = await store.readTask(id);
  return task?.updatedAt === now && says(task, patch) ? task : null;
}

function says(task: TaskRecord, { status, options }: TaskPatch): boolean {
  return (status ?? task.status) === task.status && (options ?? task.options) === task.options;
}

async function insertJobs(
  store: Store,
  _held: unknown,
  ...[taskId, jobs, context]: Parameters<Calls['insertJobs']>
): Promise<InsertResult> {
  const result = await store.insertJobs(taskId, jobs, context);
  const isOurs = ({ at, seq, sameInput }: InsertResult['duplicates'][number]): boolean =>
    sameInput && seq === (jobs[at] as NewJob).seq; // `at` is a place in the batch.
  const duplicates = result.duplicates.filter((duplicate) => !isOurs(duplicate));
  return { ...result, inserted: jobs.length - duplicates.length, duplicates };
}

async function exchange(
  store: Store,
  held: readonly number[],
  ...[taskId, batch]: Parameters<Calls['exchange']>
): Promise<ExchangeResult> {
  const { owner, now, settle } = batch;
  const holds = await store.listHeld(taskId, owner);
  if (holds === null) return store.exchange(taskId, batch); // Its lease is over: nothing of it was kept.
  const stillHeld = new Set(holds);
  const isDone = settle.length > 0 && !settle.some(({ seq }) => stillHeld.has(seq));
  // What was claimed and never heard of goes back at once, with its attempt, to be claimed again right here.
  const known = new Set(held);
  const strays = holds.filter((seq) => !known.has(seq));
  const giveBack = strays.map((seq): Exchange['settle'][number] => {
    return { seq, outcome: 'interrupted', startedAt: now, endedAt: now, dueAt: now };
  });
  return store.exchange(taskId, { ...batch, settle: [...(isDone ? [] : settle), ...giveBack] });
}
