// `taskhub run`: from a job file and an input to results in a file.
import { resolve } from 'node:path';
import { isTaskHubError } from '@shelchin/taskhub';
import { openDatabase } from '../database.js';
import { dryRun } from '../dry-run.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { Input } from '../input/input.js';
import { Rejects } from '../input/rejects.js';
import type { InputFormat } from '../input/row.js';
import { loadJob } from '../job-file.js';
import { openOutput } from '../output/open-output.js';
import { formatOf } from '../output/results.js';
import type { RunOptions } from '../run-definition.js';
import { type RunParts, runAll, runSample } from '../run-job-file.js';
import { Stopper } from '../stopper.js';
import type { Terminal } from '../terminal.js';
import { UsageError } from '../usage-error.js';

export interface RunCommand extends RunOptions {
  in?: string;
  format?: InputFormat;
  out?: string;
  order: 'input' | 'none';
  db: string;
  grace: number;
  until?: number;
  key?: string;
  sample?: number;
  dryRun?: boolean;
  skipInvalid?: boolean;
  rejects: string;
  json?: boolean;
}

/** Runs a job, and says how it went. */
export async function run(path: string, options: RunCommand, terminal: Terminal): Promise<ExitCode> {
  const stopper = new Stopper(() => process.exit(EXIT.interrupted));
  try {
    return await prepared(path, options, terminal, stopper);
  } catch (error) {
    if (!stopper.isStopped || !isTaskHubError(error, 'HUB_CLOSED')) throw error;
    terminal.say('Interrupted while the input was read: nothing was sent.');
    return EXIT.interrupted;
  } finally {
    stopper.release();
  }
}

/** All that can be wrong is found before the first call. */
async function prepared(
  path: string,
  options: RunCommand,
  terminal: Terminal,
  stopper: Stopper,
): Promise<ExitCode> {
  const job = await loadJob(path);
  const input = options.in === undefined ? undefined : await Input.open(options.in, options.format);
  if (input === undefined && job.definition.getData === undefined) {
    throw new UsageError(`${path} has no getData(), so the rows must come from a file. Pass --in FILE.`);
  }
  if (options.order === 'none' && options.out !== undefined && formatOf(options.out) === 'csv') {
    throw new UsageError('--order none writes JSONL: the columns of CSV are known in the end only.');
  }
  for (const file of [options.out, options.rejects]) {
    // `-` is standard input there and standard output here.
    if (input === undefined || file === undefined || file === '-') continue;
    if (resolve(file) === resolve(input.path)) {
      throw new UsageError(`${file} is the input: it would be lost. Write to another file.`);
    }
  }
  const rows = {
    input,
    rejects: new Rejects(options.rejects, options.skipInvalid === true),
    schema: job.input,
  };
  if (options.dryRun === true) return dryRun(job, rows, options, terminal, stopper);

  const output = options.out === undefined ? undefined : await openOutput(options.out, terminal);
  try {
    const database = await openDatabase(options.db);
    try {
      const parts: RunParts = { job, rows, output, database, options, terminal, stopper };
      return await (options.sample === undefined ? runAll(parts) : runSample(parts, options.sample));
    } finally {
      await database.hub.close();
    }
  } finally {
    await output?.discard();
  }
}
