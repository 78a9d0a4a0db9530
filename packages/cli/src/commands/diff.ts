// `taskhub diff`: how the data of two tasks differs.
import { findTask, withDatabase } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { compare } from '../previous.js';
import type { Terminal } from '../terminal.js';
import { comparisonText } from '../text.js';

export interface DiffCommand {
  db: string;
  key?: string;
  json?: boolean;
}

export function diff(
  a: string,
  b: string,
  { db, key, json }: DiffCommand,
  terminal: Terminal,
): Promise<ExitCode> {
  return withDatabase(db, async (database) => {
    const [from, to] = [await findTask(database, a), await findTask(database, b)];
    const numbers = await compare(database.hub, from, to, key);
    if (json === true) await terminal.json({ a: from.id, b: to.id, ...numbers });
    else await terminal.print(`${comparisonText(numbers, key !== undefined)}\n`);
    return EXIT.completed;
  });
}
