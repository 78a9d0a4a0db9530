// Workers as child processes, the journal that they leave, and the file as it is afterwards.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { RunSummary } from '@taskhub/core';
import { NodeSQLiteAdapter } from '@taskhub/storage-node';
import Database from 'better-sqlite3';
import type { Order } from './order.ts';
import { type Found, readTask } from './read-task.ts';

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
    this.removeFile();
    writeFileSync(this.journal, '');
  }

  removeFile(): void {
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(this.path + end, { force: true });
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

/** What runs a task and can be killed. */
export interface Worker {
  /** Resolves when it can be killed. */
  born: Promise<void>;
  kill(): void;
  /** How it ended: `SIGKILL`, or null when it came to its own end. */
  ended: Promise<NodeJS.Signals | null>;
}

/** A worker that is a process of its own. */
export interface ProcessWorker extends Worker {
  process: ChildProcess;
}

/** The program of a worker with its arguments. */
export function commandOf<T extends Pick<Order, 'store'>>(order: T, file = WORKER): [string, ...string[]] {
  const worker: [string, ...string[]] =
    order.store === 'bun' ? [BUN, 'run', file] : [process.execPath, '--expose-gc', file];
  return [...worker, JSON.stringify(order)];
}

/** Starts a worker; what it says on its error output is an error of the laboratory. */
export function startWorker<T extends Pick<Order, 'store'>>(
  order: T,
  file = WORKER,
  env = {},
): ProcessWorker {
  const [program, ...args] = commandOf(order, file);
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
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
  return { process: child, born: Promise.resolve(), kill: () => child.kill('SIGKILL'), ended };
}

/**
 * The one task of a file with its rows; undefined when none was created.
 *
 * @throws Error when SQLite's own check of the file finds something
 */
export async function readFile(path: string): Promise<Found | undefined> {
  if (!existsSync(path)) return undefined;
  const store = new NodeSQLiteAdapter(path);
  await store.open();
  try {
    return await readTask(store);
  } finally {
    await store.close();
    assertWhole(path);
  }
}

function assertWhole(path: string): void {
  const said = checkIntegrity(path);
  if (said !== 'ok') throw new Error(`integrity_check of ${path}: ${said}`);
}

/** `ok`, or what SQLite finds wrong with a database. */
export function checkIntegrity(path: string): string {
  const db = new Database(path, { readonly: true });
  try {
    return String(db.pragma('integrity_check', { simple: true }));
  } finally {
    db.close();
  }
}
