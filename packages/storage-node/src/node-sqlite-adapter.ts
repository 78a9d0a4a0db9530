// The SQLite store of Node: which binding, which file.
import { TaskHubError } from '@taskhub/core';
import { type Durability, SqliteStore } from '@taskhub/storage-sqlite';
import { prepareFile, type PreparedFile, processLiveness } from '@taskhub/storage-sqlite/file';
import { findBetterSqlite3, installCommand } from './better-sqlite3.js';
import type { Binding, BindingName, Found } from './binding.js';
import { findNodeSqlite } from './node-sqlite.js';

/** Options of {@link NodeSQLiteAdapter}. */
export interface NodeSQLiteOptions {
  /** Which binding to use. @default better-sqlite3 if it is installed and works here, else node:sqlite */
  driver?: BindingName | undefined;
  /**
   * `relaxed`: what is recorded survives the death of the process. `strict`: and power loss; every commit waits for
   * the disk then. @default 'relaxed'
   */
  durability?: Durability | undefined;
}

/**
 * Stores tasks in a SQLite file.
 *
 * `open` (called by the hub) creates the file, readable by its owner only, or refuses one that is not a TaskHub
 * database and leaves it as it is.
 *
 * @example
 * const hub = new Hub(new NodeSQLiteAdapter('jobs.db', { durability: 'strict' }));
 */
// Inherits, against the rule of the house: the alternative is a page of methods that call the same method.
export class NodeSQLiteAdapter extends SqliteStore {
  /**
   * @param dbPath - the file, from the working folder unless absolute. Its folder must be there
   * @param options - which binding, how durable
   */
  constructor(dbPath = 'taskhub.db', options: NodeSQLiteOptions = {}) {
    let file: PreparedFile | undefined;
    super({
      name: options.driver ?? 'better-sqlite3',
      path: dbPath,
      durability: options.durability,
      liveness: processLiveness,
      verify: () => file?.verify(),
      connect: async () => {
        const binding = chooseBinding(options.driver);
        file = prepareFile(dbPath);
        return { name: binding.name, driver: binding.open(file.path) };
      },
    });
  }
}

function chooseBinding(wanted: BindingName | undefined): Binding {
  const found: Found[] = [];
  for (const name of wanted === undefined ? (['better-sqlite3', 'node-sqlite'] as const) : [wanted]) {
    const next = name === 'better-sqlite3' ? findBetterSqlite3() : findNodeSqlite();
    if ('binding' in next) return next.binding;
    found.push(next);
  }
  throw unavailable(found);
}

function unavailable(found: readonly Found[]): TaskHubError {
  const failures = found.filter((each) => 'reason' in each);
  const reasons = failures.map((each) => each.reason).join(' and ');
  return new TaskHubError(
    'STORAGE_UNAVAILABLE',
    `SQLite cannot be used here: ${reasons}. Run: ${failures[0]?.fix ?? installCommand()}`,
    { details: { reasons: failures.map((each) => each.reason) }, cause: failures[0]?.cause },
  );
}
