// `--dry-run`: reads and checks all rows, says what a run would do, and calls and keeps nothing.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunCommand } from './commands/run.js';
import { createTask, type Rows } from './create-task.js';
import { type Database, openDatabase } from './database.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Job } from './job-file.js';
import { compare, findPrevious } from './previous.js';
import type { Stopper } from './stopper.js';
import type { Terminal } from './terminal.js';
import { comparisonText, count, plural } from './text.js';

export async function dryRun(
  job: Job,
  rows: Rows,
  options: RunCommand,
  terminal: Terminal,
  stopper: Stopper,
): Promise<ExitCode> {
  // Without a database there is nothing to compare with, and none is to be made.
  const folder = existsSync(options.db) ? undefined : await mkdtemp(join(tmpdir(), 'taskhub-dry-run-'));
  try {
    const database = await openDatabase(folder === undefined ? options.db : join(folder, 'taskhub.db'));
    try {
      const close = (): void => void database.hub.close();
      stopper.steps({ gently: close, now: close });
      await look(job, rows, options, terminal, database);
    } finally {
      await database.hub.close();
    }
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
  return EXIT.completed;
}

async function look(
  { definition }: Job,
  rows: Rows,
  { version = definition.version, fresh, key, json }: RunCommand,
  terminal: Terminal,
  database: Database,
): Promise<void> {
  const { hub } = database;
  const { newest } =
    fresh === true ? { newest: undefined } : await findPrevious(hub, definition.name, version);
  const { id: _, ...rest } = definition;
  const name = `${definition.name} (dry run)`;
  const task = await createTask(database, { ...rest, name, type: 'deterministic' }, rows, terminal);
  try {
    const known = (await hub.listTasks({ name: definition.name })).find(
      ({ merkleRoot }) => fresh !== true && merkleRoot === task.merkleRoot,
    );
    const repeats = task.duplicateInputs > 0 ? `, ${plural(task.duplicateInputs, 'repeat')}` : '';
    const invalid = rows.rejects.total > 0 ? `, ${plural(rows.rejects.total, 'invalid row')}` : '';
    terminal.say(`${definition.name}: ${plural(task.totalJobs, 'row')}${repeats}${invalid}`);
    const numbers =
      known === undefined && newest !== undefined ? await compare(hub, newest, task, key) : undefined;
    if (known !== undefined) {
      const done = known.completedJobs + known.failedJobs;
      terminal.say(`a run would go on with ${count(known.totalJobs - done)} of ${count(known.totalJobs)}`);
    } else if (numbers !== undefined) {
      terminal.say(`other data than the last time: ${comparisonText(numbers, key !== undefined)}`);
    }
    terminal.say('Dry run: nothing was called, and nothing is kept.');
    if (json === true) {
      const done = known === undefined ? 0 : known.completedJobs + known.failedJobs;
      const { totalJobs: total, duplicateInputs: duplicates } = task;
      await terminal.json({
        total,
        duplicates,
        rejected: rows.rejects.total,
        done,
        changes: numbers ?? null,
      });
    }
  } finally {
    await hub.deleteTask(task.id);
  }
}
