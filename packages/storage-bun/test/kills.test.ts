// Real processes on a real file, killed with SIGKILL at random moments, the creation of the task included.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { Hub, type JobStatus, type RunSummary } from '@taskhub/core';
import { afterAll, expect, test } from 'vitest';
import { BunSQLiteAdapter } from '../src/index.js';

const JOBS = 8_000;
const KILLS = 20;
const CONCURRENCY = 10;
const worker = fileURLToPath(new URL('./kill-worker.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'taskhub-kills-'));
const dbPath = join(folder, 'taskhub.db');
const journal = join(folder, 'journal');

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Kills a worker `ms` after its start, or after its first job. @returns its summary if it was done before */
async function runFor(
  ms: number,
  from: 'start' | 'first job',
): Promise<(RunSummary & { bun: string }) | undefined> {
  const child = spawn(process.execPath, [worker, dbPath, journal, String(JOBS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let timer: NodeJS.Timeout | undefined;
  const killLater = (): void => {
    timer = setTimeout(() => child.kill('SIGKILL'), ms);
  };
  if (from === 'start') killLater();
  let output = '';
  child.stdout.on('data', (piece: Buffer) => {
    if (from === 'first job' && timer === undefined) killLater();
    output += piece.toString();
  });
  const signal = await new Promise((resolve) => child.on('close', (_code, by) => resolve(by)));
  clearTimeout(timer);
  return signal === null ? JSON.parse(output.split('\n').at(-1) ?? '') : undefined;
}

async function assertCountersEqualRows(): Promise<void> {
  const hub = new Hub(new BunSQLiteAdapter(dbPath));
  const [meta, ...others] = await hub.listTasks();
  expect(others).toEqual([]);
  if (meta !== undefined) {
    const task = await hub.getTask(meta.id);
    const { total, completed, failed, pending, active } = (await task?.getProgress()) ?? {};
    const rows: Record<JobStatus, number> = { pending: 0, active: 0, completed: 0, failed: 0 };
    for (const job of (await task?.getResults()) ?? []) rows[job.status] += 1;
    expect({ pending, active, completed, failed }).toEqual(rows);
    expect(total).toBe(JOBS);
  }
  await hub.close();
}

test(`after ${KILLS} kills each job has one recorded result, and at most the jobs in flight ran again`, async () => {
  // The same moments each time; what the process is doing then is chance.
  let seed = 20_260_101;
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  for (let kill = 0; kill < KILLS; kill++) {
    const inCreation = kill < KILLS / 4;
    const done = await (inCreation
      ? runFor(30 + random() * 200, 'start')
      : runFor(random() * 150, 'first job'));
    expect(done, 'the jobs must outlast the kills').toBeUndefined();
    if (existsSync(dbPath)) await assertCountersEqualRows();
  }
  const summary = await runFor(60_000, 'start');
  expect(summary).toMatchObject({ status: 'completed', total: JOBS, completed: JOBS, failed: 0 });
  expect(summary?.bun).toBe(process.versions.bun);
  expect(readdirSync(folder).sort()).toEqual(['journal', 'taskhub.db']);

  const hub = new Hub(new BunSQLiteAdapter(dbPath));
  const [meta] = await hub.listTasks();
  const task = await hub.getTask<{ n: number }, number>(meta?.id ?? '');
  const results = (await task?.getResults({ status: 'completed' })) ?? [];
  await hub.close();
  expect(results.map(({ input, output }) => [input.n, output])).toEqual(
    Array.from({ length: JOBS }, (_, n) => [n, n * 2]),
  );

  const calls = readFileSync(journal, 'utf8').trim().split('\n').length;
  expect(calls, 'kills in mid-run let jobs run again').toBeGreaterThan(JOBS);
  expect(calls - JOBS).toBeLessThanOrEqual(KILLS * CONCURRENCY * 2);
}, 120_000);
