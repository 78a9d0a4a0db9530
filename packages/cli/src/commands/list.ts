// `taskhub list`: the tasks of a database, newest first.
import type { TaskMeta } from '@shelchin/taskhub';
import { withDatabase } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { table } from '../table.js';
import type { Terminal } from '../terminal.js';
import { count, moment } from '../text.js';

export interface ListCommand {
  db: string;
  json?: boolean;
}

export function list({ db, json }: ListCommand, terminal: Terminal): Promise<ExitCode> {
  return withDatabase(db, async ({ hub }) => {
    const tasks = await hub.listTasks();
    if (json === true) await terminal.json(tasks);
    else if (tasks.length === 0) terminal.say(`There is no task in ${db}.`);
    else
      await terminal.print(
        table(['NAME', 'ID', 'STATUS', 'DONE', 'FAILED', 'ROWS', 'CREATED'], tasks.map(rowOf)),
      );
    return EXIT.completed;
  });
}

function rowOf({ name, id, status, completedJobs, failedJobs, totalJobs, createdAt }: TaskMeta): string[] {
  const done = completedJobs + failedJobs;
  return [name, id.slice(0, 8), status, count(done), count(failedJobs), count(totalJobs), moment(createdAt)];
}
