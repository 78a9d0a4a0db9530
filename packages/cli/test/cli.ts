// The built command line in a process of its own, in a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const BIN = fileURLToPath(new URL('../dist/bin.js', import.meta.url));

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

/** A command that runs. */
export interface Running {
  process: ChildProcess;
  /** What it has written so far. */
  readonly out: string;
  readonly err: string;
  /** Resolves when `err` holds this. */
  says(text: string | RegExp): Promise<void>;
  ended: Promise<Ended>;
}

/** A folder for one test, with the files that it needs. */
export class Folder {
  readonly path: string = mkdtempSync(join(tmpdir(), 'taskhub-cli-'));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
    onTestFinished(() => rmSync(this.path, { recursive: true, force: true }));
  }

  write(name: string, text: string | Buffer): void {
    writeFileSync(join(this.path, name), text);
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  /** The rows of a JSONL file. */
  rows(name: string): unknown[] {
    return parseLines(this.read(name));
  }

  start(...args: string[]): Running {
    return start(process.execPath, [BIN, ...args], this.path);
  }

  /** Runs a command to its end. */
  async run(...args: string[]): Promise<Ended> {
    return this.start(...args).ended;
  }
}

export function parseLines(text: string): unknown[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as unknown]));
}

export function start(command: string, args: readonly string[], cwd: string): Running {
  const child = spawn(command, args, { cwd, env: { ...process.env, NO_COLOR: '1' } });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [out, err] = ['', ''];
  const listeners = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk;
    for (const listener of listeners) listener();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk;
    for (const listener of listeners) listener();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, out, err }));
  });
  return {
    process: child,
    get out() {
      return out;
    },
    get err() {
      return err;
    },
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (typeof text === 'string' ? !err.includes(text) : !text.test(err)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`It ended before it said ${text}:\n${err}`)), reject);
      }),
    ended,
  };
}

/** Rows as CSV, with a header. */
export function csv(rows: readonly object[]): string {
  const columns = Object.keys(rows[0] ?? {});
  return [columns, ...rows.map((row) => Object.values(row))].map((cells) => `${cells.join(',')}\n`).join('');
}

/** `count` rows with an id and a name. */
export function people(count: number, from = 0): { id: string; name: string }[] {
  return Array.from({ length: count }, (_, at) => ({ id: `${from + at}`, name: `person ${from + at}` }));
}
