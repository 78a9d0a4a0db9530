// The same program and the same file in Node, Bun and Deno, each as a process of its own.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const run = promisify(execFile);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const program = here('./runtime-program.mjs');
const bun = here('../node_modules/.bin/bun');
const deno = here('../node_modules/.bin/deno');
const LIMIT = { timeout: 60_000 };

interface Report {
  runtime: string;
  name: string;
  created: boolean;
  merkleRoot: string;
  status: string;
  ran: number;
  outputs: [number, number, number][];
}

// Not where the other tests make theirs: of everything below /dev, Deno wants --allow-all.
const folders = here('../test-results');
mkdirSync(folders, { recursive: true });

function newFolder(): string {
  const folder = mkdtempSync(join(folders, 'runtimes-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const MAIN = '@shelchin/taskhub';

/** Runs the program with this command until it has done `most` jobs; it must end by itself. */
async function runIn(command: string[], folder: string, most = 1_000, entry = MAIN): Promise<Report> {
  const [file = '', ...flags] = command;
  const args = [...flags, program, join(folder, 'tasks.db'), join(folder, 'journal'), String(most), entry];
  const env = { ...process.env, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };
  const { stdout, stderr } = await run(file, args, { env, timeout: 30_000, killSignal: 'SIGKILL' });
  expect(stderr).toBe('');
  expect(readdirSync(folder).sort()).toEqual(['journal', 'tasks.db']);
  return JSON.parse(stdout);
}

const done = (jobs: number): Report['outputs'] =>
  Array.from({ length: jobs }, (_, n) => [n, n, `né ${n} 😀`.length]);

// Inside Bun or Deno (`pnpm check:runtimes`), `process.execPath` is not Node.
test.skipIf('bun' in process.versions || 'deno' in process.versions)(
  'a task begun in Node is continued in Bun and finished in Deno: same root, no job twice',
  LIMIT,
  async () => {
    const folder = newFolder();
    const inNode = await runIn([process.execPath], folder, 20);
    expect(inNode).toMatchObject({ runtime: 'node', created: true, status: 'paused', ran: 20 });
    expect(['better-sqlite3', 'node-sqlite']).toContain(inNode.name);
    const root = inNode.merkleRoot;

    const inBun = await runIn([bun], folder, 20);
    expect(inBun).toMatchObject({ runtime: 'bun', name: 'bun-sqlite', created: false, status: 'paused' });
    expect(inBun).toMatchObject({ merkleRoot: root, ran: 20, outputs: done(40) });

    const inDeno = await runIn([deno, 'run', '--allow-all'], folder);
    expect(inDeno).toMatchObject({
      runtime: 'deno',
      name: 'node-sqlite',
      created: false,
      status: 'completed',
    });
    expect(inDeno).toMatchObject({ merkleRoot: root, ran: 20, outputs: done(60) });

    const calls = readFileSync(join(folder, 'journal'), 'utf8').trim().split('\n').map(Number);
    expect(calls).toEqual(done(60).map(([n]) => n));
  },
);

test.each([
  ['Node', [process.execPath], ['better-sqlite3', 'node-sqlite']],
  ['Bun', [bun], ['bun-sqlite']],
  ['Deno', [deno, 'run', '--allow-all'], ['node-sqlite']],
])('%s: the entry for browsers is there too, and takes SQLite', LIMIT, async (runtime, command, names) => {
  if (runtime === 'Node' && ('bun' in process.versions || 'deno' in process.versions)) return;
  const report = await runIn(command, newFolder(), 1_000, '@shelchin/taskhub/browser');
  expect(report).toMatchObject({ runtime: runtime.toLowerCase(), status: 'completed', ran: 60 });
  expect(names).toContain(report.name);
});

test('Deno: reading and writing files are the only permissions it takes', LIMIT, async () => {
  const report = await runIn([deno, 'run', '--allow-read', '--allow-write'], newFolder());
  expect(report).toMatchObject({ runtime: 'deno', name: 'node-sqlite', status: 'completed', ran: 60 });
});

test('Deno: a missing permission is named', LIMIT, async () => {
  const running = runIn([deno, 'run', '--allow-read'], newFolder());
  await expect(running).rejects.toThrow(/Deno may not use ".*tasks.db".*--allow-write/);
});
