// `taskhub delete`: a task and all its results.
import { findTask, withDatabase } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { countWorkers } from '../others.js';
import type { Terminal } from '../terminal.js';
import { plural } from '../text.js';
import { UsageError } from '../usage-error.js';

export interface DeleteCommand {
  db: string;
  force?: boolean;
  json?: boolean;
}

export function deleteTask(
  name: string,
  { db, force, json }: DeleteCommand,
  terminal: Terminal,
): Promise<ExitCode> {
  return withDatabase(db, async (database) => {
    const { id, name: title, totalJobs } = await findTask(database, name);
    const workers = await countWorkers(database.store, id);
    if (workers > 0 && force !== true) {
      throw new UsageError(
        `${plural(workers, 'process works', 'processes work')} on ${title}. Stop it first, or pass --force.`,
      );
    }
    await database.hub.deleteTask(id);
    if (json === true) await terminal.json({ id, name: title, deleted: true });
    terminal.say(`${title} (${id.slice(0, 8)}) with ${plural(totalJobs, 'row')} is deleted`);
    return EXIT.completed;
  });
}
