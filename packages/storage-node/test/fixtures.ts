// Fresh things for a test: a folder, a store, a task, jobs. All of them are gone when the test has ended.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ErrorCode, Exchange, NewTask, StorageAdapter } from '@taskhub/core';
import { isTaskHubError } from '@taskhub/core';
import { type Durability, type SqliteDriver, SqliteStore } from '@taskhub/storage-sqlite';
import { onTestFinished } from 'vitest';
import { chooseBinding } from '../src/choose-binding.js';
import { NodeSQLiteAdapter, type NodeSQLiteOptions } from '../src/index.js';
import { bindings } from './bindings.js';
import { NOW, newJobs } from './jobs.js';

export { completed, failed, hashOf, NOW, newJobs } from './jobs.js';

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'taskhub-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function newPath(): string {
  return join(newFolder(), 'test.db');
}

export async function openStore(path: string, options: NodeSQLiteOptions = {}): Promise<NodeSQLiteAdapter> {
  const store = new NodeSQLiteAdapter(path, { driver: bindings[0], ...options });
  await store.open();
  onTestFinished(() => store.close());
  return store;
}

/** Another connection to a file, as a program has that is not TaskHub. */
export function openRaw(path: string): SqliteDriver {
  const driver = chooseBinding(bindings[0]).open(path);
  onTestFinished(() => closeQuietly(driver));
  return driver;
}

function closeQuietly(driver: SqliteDriver): void {
  try {
    driver.close();
  } catch {
    // The test has closed it already.
  }
}

/** The first value of the first row. */
export function readValue(driver: SqliteDriver, sql: string): unknown {
  return Object.values(driver.prepare(sql).get() as Record<string, unknown>)[0];
}

/** A store together with its connection, to set limits on it that no user can. */
export async function openStoreWithDriver(
  path: string,
  durability: Durability = 'relaxed',
): Promise<{ store: SqliteStore; driver: SqliteDriver }> {
  const driver = chooseBinding(bindings[0]).open(path);
  const connect = async () => ({ name: 'test', driver });
  const store = new SqliteStore({ name: 'test', path, durability, connect });
  await store.open();
  onTestFinished(() => store.close());
  return { store, driver };
}

export function newTask(id: string, rest: Partial<NewTask> = {}): NewTask {
  return {
    id,
    name: `name of ${id}`,
    status: 'idle',
    options: '{}',
    reuseFrom: null,
    owner: 'creator',
    leaseUntil: NOW + 30_000,
    now: NOW,
    ...rest,
  };
}

/** A store with the task `t` of this many jobs. */
export async function storeWithJobs(
  path: string,
  jobs: number,
  options: NodeSQLiteOptions = {},
): Promise<NodeSQLiteAdapter> {
  const store = await openStore(path, options);
  await store.insertTask(newTask('t'));
  await insertMany(store, 't', jobs);
  return store;
}

export async function insertMany(store: StorageAdapter, taskId: string, jobs: number): Promise<void> {
  for (let first = 1; first <= jobs; first += 1_000) {
    const last = Math.min(jobs, first + 999);
    await store.insertJobs(taskId, newJobs(first, last), { now: NOW, last: last === jobs });
  }
}

export function exchangeOf(rest: Partial<Exchange> = {}): Exchange {
  return { owner: 'me', now: NOW, settle: [], claim: { limit: 10, leaseUntil: NOW + 30_000 }, ...rest };
}

/** Waits for a rejection with this code; gives its message. */
export async function rejection(promise: Promise<unknown>, code: ErrorCode): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isTaskHubError(error, code)) throw new Error(`no ${code} but ${String(error)}`, { cause: error });
  return error.message;
}
