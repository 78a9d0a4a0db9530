// Runs an example as a user does, in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LIMIT_MS = 60_000;
const tsx = import.meta.resolve('tsx');

/** The command that runs a TypeScript file; `node` with a loader unless another is given. */
export type Runtime = readonly [command: string, ...args: string[]];
const NODE: Runtime = [process.execPath, '--import', tsx];

/** What a process printed, and how it ended. */
export interface Finished {
  output: string;
  code: number | null;
}

export interface Running {
  process: ChildProcess;
  /** Resolves when the output holds the text; rejects when the process has ended without it. */
  printed(text: string): Promise<void>;
  finished: Promise<Finished>;
}

/** A folder for the databases of some runs; `remove` it in the end. */
export function dataFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'taskhub-examples-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Starts `examples/NAME.ts` with a data folder, which is its working folder as well. */
export function startExample(
  name: string,
  folder: string,
  args: string[] = [],
  [command, ...options]: Runtime = NODE,
): Running {
  const file = fileURLToPath(new URL(`../${name}.ts`, import.meta.url));
  const child = spawn(command, [...options, file, ...args], {
    cwd: folder,
    env: { ...process.env, EXAMPLES_DATA: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  let check: () => void = () => undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      check();
    });
  }
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ output, code }));
  });
  return {
    process: child,
    finished,
    printed: (text) =>
      new Promise((resolve, reject) => {
        check = () => output.includes(text) && resolve();
        check();
        void finished.then(() => reject(new Error(`"${text}" was never printed, but:\n${output}`)));
      }),
  };
}

/** Runs an example to its end. @throws Error with the output when it does not end well */
export async function runExample(
  name: string,
  folder: string,
  args: string[] = [],
  runtime: Runtime = NODE,
): Promise<string> {
  const { output, code } = await startExample(name, folder, args, runtime).finished;
  if (code !== 0) throw new Error(`${name} ended with ${code}:\n${output}`);
  return output;
}
