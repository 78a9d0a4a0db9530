// `taskhub export`: the results that are there, also of a task that is running or was interrupted.
import { findTask, withDatabase } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { openOutput } from '../output/open-output.js';
import { formatOf, type OutputFormat, rowWriter, writeResults } from '../output/results.js';
import type { Terminal } from '../terminal.js';
import { count, plural } from '../text.js';
import { taskOf } from './task-of.js';

export interface ExportCommand {
  db: string;
  out: string;
  format?: OutputFormat;
}

export function exportResults(name: string, options: ExportCommand, terminal: Terminal): Promise<ExitCode> {
  return withDatabase(options.db, async (database) => {
    const task = await taskOf(database, await findTask(database, name));
    const output = await openOutput(options.out, terminal);
    try {
      const writer = await rowWriter(options.format ?? formatOf(options.out), task);
      await output.write(writer.begin());
      const rows = await writeResults(task, output, writer);
      await output.finish();
      const left = task.totalJobs - rows;
      terminal.say(
        `${plural(rows, 'row')} of ${task.name} written to ${output.name}` +
          (left > 0 ? `; ${count(left)} are not done yet` : ''),
      );
      return EXIT.completed;
    } catch (error) {
      await output.discard();
      throw error;
    }
  });
}
