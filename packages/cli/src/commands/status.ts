// `taskhub status`: how far a task is, asked of the database, whoever runs it.
import { findTask, withDatabase } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { FailureKinds } from '../failure-kinds.js';
import { countWorkers } from '../others.js';
import type { Terminal } from '../terminal.js';
import { count, moment, percent, plural } from '../text.js';
import { taskOf } from './task-of.js';

export interface StatusCommand {
  db: string;
  json?: boolean;
}

export function status(
  name: string | undefined,
  { db, json }: StatusCommand,
  terminal: Terminal,
): Promise<ExitCode> {
  return withDatabase(db, async (database) => {
    const meta = await findTask(database, name);
    const task = await taskOf(database, meta);
    const { total, completed, failed, pending, active, duplicates } = await task.getProgress();
    const workers = await countWorkers(database.store, task.id);
    const kinds = new FailureKinds();
    for await (const job of task.results({ status: 'failed' })) kinds.add(job);
    const { version, createdAt, updatedAt } = meta;
    const numbers = { total, completed, failed, pending, active, duplicates };
    if (json === true) {
      const { id, type, status: state } = task;
      const failures = kinds.list();
      await terminal.json({
        id,
        name: task.name,
        type,
        status: state,
        version,
        ...numbers,
        workers,
        createdAt,
        updatedAt,
        failures,
      });
      return EXIT.completed;
    }
    const { bold } = terminal.colors;
    const lines = [
      `${bold(task.name)}  ${task.status}  ${percent(completed + failed, total)}`,
      `id        ${task.id}`,
      ...(version === null ? [] : [`version   ${version}`]),
      `rows      ${count(total)}: ${count(completed)} completed, ${count(failed)} failed, ${count(active)} running, ${count(pending)} to do`,
      ...(duplicates > 0 ? [`repeats   ${count(duplicates)} skipped`] : []),
      `created   ${moment(createdAt)}, last change ${moment(updatedAt)}`,
      `worked on by ${plural(workers, 'process', 'processes')}`,
      ...kinds
        .list()
        .slice(0, 5)
        .map(({ kind, count: n }) => `failures  ${count(n)} × ${kind}`),
    ];
    await terminal.print(`${lines.join('\n')}\n`);
    return EXIT.completed;
  });
}
