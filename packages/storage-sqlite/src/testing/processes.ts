// Several real processes on one file: no job twice, none lost, whatever dies.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { JobCounts, StorageAdapter } from '@taskhub/core';
import { build } from 'tsup';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { newPath, newTask, readValue } from './fixtures.js';
import { storesOf, type TestedStore } from './subject.js';
import type { Answer, Order } from './worker.js';

interface Worker {
  process: ChildProcess;
  /** It has opened the file and waits for `go`. */
  ready: Promise<void>;
  answer: Promise<Answer>;
}

/** Lets processes that are ready begin in the same moment; gives their answers. */
async function go(...workers: Worker[]): Promise<Answer[]> {
  await Promise.all(workers.map((worker) => worker.ready));
  for (const worker of workers) worker.process.send('go');
  return Promise.all(workers.map((worker) => worker.answer));
}

async function kill(worker: Worker): Promise<void> {
  const gone = once(worker.process, 'exit');
  worker.process.kill('SIGKILL');
  await gone;
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setImmediate(resolve));
}

/** Registers them; they run `subject.worker`. */
export function processTests(subject: TestedStore): void {
  const { openStore, openRaw, storeWithJobs } = storesOf(subject);

  describe(subject.name, () => {
    // Compiled once: a loader of TypeScript in each of the many processes would take longer than their work.
    const compiled = fileURLToPath(new URL('../test-results/worker', subject.worker));
    beforeAll(() =>
      build({
        entry: { worker: fileURLToPath(subject.worker) },
        outDir: compiled,
        format: 'esm',
        platform: 'node',
        noExternal: [/^@taskhub/],
        external: ['better-sqlite3'],
        config: false,
        silent: true,
      }),
    );

    /** Starts a process that opens the file and then waits for `go`. */
    function startWorker(order: Omit<Order, 'store'>, uid?: number): Worker {
      const child = fork(
        join(compiled, 'worker.js'),
        [JSON.stringify({ ...order, store: subject.name })],
        uid === undefined ? {} : { uid },
      );
      onTestFinished(() => void child.kill('SIGKILL'));
      let isReady = (): void => {};
      const ready = new Promise<void>((resolve) => (isReady = resolve));
      const answer = new Promise<Answer>((resolve) => {
        child.on('message', (message) => (message === 'ready' ? isReady() : resolve(message as Answer)));
      });
      return { process: child, ready, answer };
    }

    /** Counters as stored, which must be what counting the rows gives. */
    async function countsOf(store: StorageAdapter, path: string): Promise<JobCounts | undefined> {
      const counts = (await store.readTask('t'))?.counts;
      const file = openRaw(path);
      const count = (table: string): unknown => readValue(file, `SELECT count(*) FROM ${table}`);
      expect(counts).toMatchObject({
        total: count('job'),
        active: count('live WHERE owner IS NOT NULL'),
        waiting: count('live WHERE owner IS NULL'),
        completed: count('result WHERE error IS NULL'),
        failed: count('result WHERE error IS NOT NULL'),
      });
      file.close();
      return counts;
    }

    test('two processes on one task: every job is done once, none is lost, both take part', async () => {
      const path = newPath();
      const store = await storeWithJobs(path, 20_000);
      const workers = ['one', 'two'].map((owner) => startWorker({ path, owner, what: 'work', limit: 10 }));
      const answers = await go(...workers);
      expect(answers.map(({ code, lost }) => ({ code, lost }))).toEqual(
        Array(2).fill({ code: null, lost: [] }),
      );
      const done = answers.flatMap((answer) => answer.done).sort((a, b) => a - b);
      expect(done).toEqual(Array.from({ length: 20_000 }, (_, at) => at + 1));
      for (const answer of answers) expect(answer.done.length).toBeGreaterThan(0);
      expect(await countsOf(store, path)).toMatchObject({ completed: 20_000, active: 0, pending: 0 });
    }, 60_000);

    test('five processes that create one file at once all get it', async () => {
      const path = newPath();
      const workers = ['a', 'b', 'c', 'd', 'e'].map((owner) => startWorker({ path, owner, what: 'open' }));
      const answers = await go(...workers);
      expect(answers.map((answer) => answer.code)).toEqual(Array(5).fill(null));
    }, 60_000);

    test('two processes that ingest the same stream store every input once', async () => {
      const path = newPath();
      const store = await openStore(path);
      await store.insertTask(newTask('t'));
      const workers = ['one', 'two'].map((owner) =>
        startWorker({ path, owner, what: 'ingest', jobs: 2_000 }),
      );
      const answers = await go(...workers);
      expect(answers.map((answer) => answer.code)).toEqual([null, null]);
      expect(answers.reduce((sum, answer) => sum + answer.inserted, 0)).toBe(2_000);
      expect((await countsOf(store, path))?.total).toBe(2_000);
    }, 60_000);

    test('liveness: a process is alive until it is killed, then gone; its jobs can be taken over at once', async () => {
      const path = newPath();
      const store = await storeWithJobs(path, 100);
      const worker = startWorker({ path, owner: 'doomed', what: 'hold', limit: 20 });
      const [{ identity, done }] = (await go(worker)) as [Answer];
      expect(done).toHaveLength(20);
      expect(await store.liveness?.isGone(identity)).toBe(false);
      await kill(worker);
      expect(await store.liveness?.isGone(identity)).toBe(true);
      expect(await store.listOwners('t')).toMatchObject([{ id: 'doomed' }]);
      expect(await store.releaseJobs('t', { owner: 'doomed', crashed: true }, Date.now())).toBe(20);
      const now = Date.now();
      const claim = { limit: 20, leaseUntil: now + 30_000 };
      const { claimed } = await store.exchange('t', { owner: 'heir', now, settle: [], claim });
      expect(claimed.map(({ seq }) => seq)).toEqual(done);
      expect(claimed.every(({ crashes, attempts }) => crashes === 1 && attempts === 2)).toBe(true);
    }, 60_000);

    test('20 processes killed with SIGKILL in the middle of it: one result per job, counters equal rows', async () => {
      const path = newPath();
      const jobs = 20_000;
      const store = await storeWithJobs(path, jobs);
      for (let round = 0; round < 20; round += 1) {
        const owner = `round ${round}`;
        const worker = startWorker({ path, owner, what: 'work', limit: 5 });
        await worker.ready;
        worker.process.send('go');
        const before = (await store.readTask('t'))?.counts.completed ?? 0;
        // Killed as soon as it has recorded something, at whatever it does then.
        await until(async () => ((await store.readTask('t'))?.counts.completed ?? 0) > before + 10 * round);
        await kill(worker);
        await store.releaseJobs('t', { owner, crashed: true }, Date.now());
        await countsOf(store, path);
      }
      expect((await store.readTask('t'))?.counts.pending).toBeGreaterThan(0);
      const [last] = await go(startWorker({ path, owner: 'last', what: 'work', limit: 100 }));
      expect(last).toMatchObject({ code: null, lost: [] });
      expect(await countsOf(store, path)).toMatchObject({
        completed: jobs,
        active: 0,
        pending: 0,
        failed: 0,
      });
      const file = openRaw(path);
      expect(readValue(file, 'PRAGMA integrity_check')).toBe('ok');
      file.close();
    }, 120_000);

    test('open: a file that another user owns is read-only', async (context) => {
      if (process.getuid?.() !== 0) return context.skip('only root can start a process of another user');
      const path = newPath();
      await (await openStore(path)).close();
      chmodSync(dirname(path), 0o755);
      chmodSync(path, 0o644);
      const [answer] = await go(startWorker({ path, owner: 'nobody', what: 'open' }, 65_534));
      expect(answer?.code).toBe('STORAGE_READ_ONLY');
    }, 60_000);
  });
}
