// `taskhub failures`: what failed for good, row by row or by kind.
import { findTask, withDatabase } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { FailureKinds, labelOf } from '../failure-kinds.js';
import { table } from '../table.js';
import type { Terminal } from '../terminal.js';
import { count, fit, oneLine, plural } from '../text.js';
import { matches, type Where } from '../where.js';
import { taskOf } from './task-of.js';

export interface FailuresCommand {
  db: string;
  group?: boolean;
  where?: Where;
  json?: boolean;
}

export function failures(
  name: string | undefined,
  options: FailuresCommand,
  terminal: Terminal,
): Promise<ExitCode> {
  return withDatabase(options.db, async (database) => {
    const task = await taskOf(database, await findTask(database, name));
    const kinds = new FailureKinds();
    for await (const job of task.results({ status: 'failed' })) {
      if (!matches(job, options.where)) continue;
      kinds.add(job);
      if (options.group === true) continue;
      const { id, index, input, failure, attempts } = job;
      if (options.json === true) await terminal.json({ row: index + 1, id, input, failure, attempts });
      else
        await terminal.print(
          `row ${count(index + 1)}  ${labelOf(failure)}: ${oneLine(failure.message)}  ${fit(JSON.stringify(input), 120)}\n`,
        );
    }
    if (options.group === true) {
      if (options.json === true) await terminal.json(kinds.list());
      else if (kinds.total > 0) {
        const rows = kinds
          .list()
          .map(({ kind, count: n, row, message }) => [count(n), kind, count(row), fit(message, 80)]);
        await terminal.print(table(['FAILED', 'KIND', 'FIRST ROW', 'ITS MESSAGE'], rows));
      }
    }
    terminal.say(`${task.name}: ${plural(kinds.total, 'row')} failed`);
    return EXIT.completed;
  });
}
