// The SQLite store of Node: which binding, which file.
import { assertOneOf, type Durability, SqliteStore } from '@taskhub/storage-sqlite';
import { type PreparedFile, prepareFile, processLiveness } from '@taskhub/storage-sqlite/file';
import type { BindingName } from './binding.js';
import { BINDING_NAMES, chooseBinding } from './choose-binding.js';
import { sha256 } from './sha256.js';

/** Options of {@link NodeSQLiteAdapter}. */
export interface NodeSQLiteOptions {
  /** Which binding to use. @default better-sqlite3 where it is installed and works, else node:sqlite */
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
 * `open` (the hub calls it) creates the file, readable by its owner only. A file that is not a TaskHub database is
 * refused and left as it is. `name` says which binding runs once it is open.
 *
 * @example
 * const hub = new Hub(new NodeSQLiteAdapter('jobs.db', { durability: 'strict' }));
 */
// Inherits, against the rule of the house: else it were a page of methods that each call the same method.
export class NodeSQLiteAdapter extends SqliteStore {
  /**
   * @param dbPath - the file, seen from the working folder unless absolute; its folder must be there
   * @param options - which binding, how durable
   * @throws TaskHubError INVALID_CONFIG when an option has a value that is not allowed
   */
  constructor(dbPath = 'taskhub.db', options: NodeSQLiteOptions = {}) {
    const { driver, durability } = options;
    assertOneOf('driver', driver, BINDING_NAMES);
    let file: PreparedFile | undefined;
    super({
      name: driver ?? BINDING_NAMES[0] ?? '',
      path: dbPath,
      durability,
      liveness: processLiveness,
      sha256,
      verify: () => file?.verify(),
      connect: async () => {
        const binding = chooseBinding(driver);
        file = prepareFile(dbPath);
        return { name: binding.name, driver: binding.open(file.path) };
      },
    });
  }
}
