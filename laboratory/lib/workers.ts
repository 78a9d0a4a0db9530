// Workers as child processes, the journal that they leave, and the file as it is afterwards.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { JobRecord, RunSummary, TaskRecord } from '@taskhub/core';
import { NodeSQLiteAdapter } from '@taskhub/storage-node';
import Database from 'better-sqlite3';
import type { Order } from './order.ts';

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url));
const BUN = join(dirname(createRequire(import.meta.url).resolve('bun/package.json')), 'bin', 'bun.exe');

/** A file and a journal of their own. */
export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'taskhub-laboratory-'));
  readonly path = join(this.folder, 'tasks.db');
  readonly journal = join(this.folder, 'journal');

  constructor() {
    this.clear();
  }

  /** As new. */
  clear(): void {
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(this.path + end, { force: true });
    writeFileSync(this.journal, '');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  lines(): string[][] {
    return readFileSync(this.journal, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' '));
  }

  /** Inputs for which a line of this kind was written, in that order. */
  inputs(kind: 'call' | 'ack'): number[] {
    return this.lines().flatMap(([what, n]) => (what === kind ? [Number(n)] : []));
  }

  /** How the runs that came to their end went. */
  summaries(): (RunSummary & { runtime: string })[] {
    return this.lines().flatMap(([what, , ...json]) => (what === 'end' ? [JSON.parse(json.join(' '))] : []));
  }
}

export interface Worker {
  process: ChildProcess;
  /** How it ended: `SIGKILL`, or null when it came to its own end. */
  ended: Promise<NodeJS.Signals | null>;
}

/** The program of a worker with its arguments. */
export function commandOf(order: Order): [string, ...string[]] {
  const worker: [string, ...string[]] =
    order.store === 'bun' ? [BUN, 'run', WORKER] : [process.execPath, WORKER];
  return [...worker, JSON.stringify(order)];
}

/** Starts a worker; what it says on its error output is an error of the laboratory. */
export function startWorker(order: Order): Worker {
  const [program, ...args] = commandOf(order);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr?.on('data', (piece: Buffer) => {
    errors += piece.toString();
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === null && code !== 0) reject(new Error(`a worker failed: ${errors}`));
      else resolve(signal);
    });
  });
  ended.catch(() => undefined); // whoever waits for it is told
  return { process: child, ended };
}

/**
 * The one task of a file with its rows; undefined when none was created.
 *
 * @throws Error when SQLite's own check of the file finds something
 */
export async function readFile(path: string): Promise<{ task: TaskRecord; rows: JobRecord[] } | undefined> {
  if (!existsSync(path)) return undefined;
  const store = new NodeSQLiteAdapter(path);
  await store.open();
  try {
    const { rows: tasks } = await store.listTasks({ limit: 10 });
    if (tasks.length > 1) throw new Error(`${tasks.length} tasks are visible`);
    const [task] = tasks;
    if (task === undefined) return undefined;
    const rows: JobRecord[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const page = await store.readJobs(task.id, { after, limit: 10_000 });
      rows.push(...page.rows);
      after = page.next;
    }
    return { task, rows };
  } finally {
    await store.close();
    assertWhole(path);
  }
}

function assertWhole(path: string): void {
  const db = new Database(path, { readonly: true });
  try {
    const said = db.pragma('integrity_check', { simple: true });
    if (said !== 'ok') throw new Error(`integrity_check of ${path}: ${said}`);
  } finally {
    db.close();
  }
}

/** Inputs that a file has results of. */
export function completedIn(rows: readonly JobRecord[]): Set<number> {
  const done = rows.filter(({ status }) => status === 'completed');
  return new Set(done.map(({ input }) => (JSON.parse(input) as { n: number }).n));
}

/** Whether the counters of a task are what its rows come to. */
export function countersAreRight({ task, rows }: { task: TaskRecord; rows: readonly JobRecord[] }): boolean {
  const count = (status: string): number => rows.filter((row) => row.status === status).length;
  const { total, pending, active, completed, failed } = task.counts;
  const kept = [total, pending, active, completed, failed].join();
  return kept === [rows.length, ...['pending', 'active', 'completed', 'failed'].map(count)].join();
}
