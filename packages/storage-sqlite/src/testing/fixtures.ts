// Fresh values for a test: a folder, a task, jobs. Folders are gone when the test has ended.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ErrorCode, Exchange, NewTask, StorageAdapter } from '@taskhub/core';
import { isTaskHubError } from '@taskhub/core';
import { onTestFinished } from 'vitest';
import type { SqliteDriver } from '../index.js';
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

/** The first value of the first row. */
export function readValue(driver: SqliteDriver, sql: string): unknown {
  return Object.values(driver.prepare(sql).get() as Record<string, unknown>)[0];
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
