// `taskhub retry`: puts failed rows back, for the next run.
import { findTask, withDatabase } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import type { Terminal } from '../terminal.js';
import { plural } from '../text.js';
import { matches, type Where } from '../where.js';
import { taskOf } from './task-of.js';

export interface RetryCommand {
  db: string;
  where?: Where;
  json?: boolean;
}

export function retry(
  name: string,
  { db, where, json }: RetryCommand,
  terminal: Terminal,
): Promise<ExitCode> {
  return withDatabase(db, async (database) => {
    const task = await taskOf(database, await findTask(database, name));
    const isRunning = task.status === 'running';
    const reset = await task.retryFailed(where === undefined ? {} : { where: (job) => matches(job, where) });
    if (json === true) await terminal.json({ id: task.id, name: task.name, reset });
    const next = isRunning
      ? 'the process that runs the task goes on with them'
      : 'run the same command as before to try them again';
    terminal.say(`${plural(reset, 'failed row')} of ${task.name} put back${reset === 0 ? '' : `; ${next}`}`);
    return EXIT.completed;
  });
}
