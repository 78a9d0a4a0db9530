// What somebody sees who opens the file with a SQLite shell.
import { expect, test } from 'vitest';
import { completed, exchangeOf, failed, hashOf, NOW, newPath } from './fixtures.js';
import { storesOf, type TestedStore } from './subject.js';

export function shellTests(subject: TestedStore): void {
  const { openRaw, storeWithJobs } = storesOf(subject);

  const AT = new Date(NOW).toISOString();

  test('job_status: each job with its status, attempts, texts and times', async () => {
    const path = newPath();
    const store = await storeWithJobs(path, 5);
    await store.insertJobs('t', [{ seq: 6, hash: hashOf('key'), key: 'my-key', input: '6' }], {
      now: NOW,
      last: true,
    });
    await store.exchange('t', exchangeOf({ claim: { limit: 4, leaseUntil: NOW + 30_000 } }));
    const retry = {
      seq: 3,
      startedAt: NOW,
      endedAt: NOW,
      outcome: 'retry' as const,
      error: '"e"',
      dueAt: NOW + 1_000,
    };
    await store.exchange('t', exchangeOf({ settle: [completed(1), failed(2), retry], claim: null }));
    const shell = openRaw(path);
    const rows = shell.prepare('SELECT * FROM job_status WHERE task_id = ? ORDER BY seq').all('t');
    const none = {
      task: 'name of t',
      task_id: 't',
      throttles: 0,
      output: null,
      error: null,
      started: null,
      ended: null,
      due: null,
      owner: null,
    };
    const job = (seq: number) => ({
      ...none,
      seq,
      job_id: Buffer.from(hashOf(String(seq))).toString('hex'),
      input: `{"n":${seq}}`,
    });
    const ended = new Date(NOW + 1).toISOString();
    expect(rows).toEqual([
      { ...job(1), status: 'completed', attempts: 1, output: '"out 1"', started: AT, ended },
      { ...job(2), status: 'failed', attempts: 1, error: '"err 2"', started: AT, ended },
      { ...job(3), status: 'pending', attempts: 1, error: '"e"', due: new Date(NOW + 1_000).toISOString() },
      { ...job(4), status: 'active', attempts: 1, started: AT, owner: 'me' },
      { ...job(5), status: 'pending', attempts: 0 },
      { ...none, seq: 6, job_id: 'my-key', input: '6', status: 'pending', attempts: 0 },
    ]);
  });

  test('task_status: each task with its numbers', async () => {
    const path = newPath();
    const store = await storeWithJobs(path, 5);
    await store.exchange('t', exchangeOf({ claim: { limit: 2, leaseUntil: NOW + 30_000 } }));
    await store.exchange('t', exchangeOf({ settle: [completed(1)], claim: null }));
    const shell = openRaw(path);
    const rows = shell.prepare('SELECT * FROM task_status').all();
    expect(rows).toEqual([
      {
        task: 'name of t',
        status: 'idle',
        total: 5,
        pending: 3,
        active: 1,
        completed: 1,
        failed: 0,
        reused: 0,
        duplicates: 0,
        ingested: 1,
        root: null,
        created: AT,
        updated: AT,
        task_id: 't',
      },
    ]);
  });
}
