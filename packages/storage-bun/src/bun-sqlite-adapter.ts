// The SQLite store of Bun.
import { type Durability, SqliteStore } from '@taskhub/storage-sqlite';
import { type PreparedFile, prepareFile, processLiveness } from '@taskhub/storage-sqlite/file';
import { loadBunSqlite } from './bun-sqlite.js';
import { sha256 } from './sha256.js';

/** Options of {@link BunSQLiteAdapter}. */
export interface BunSQLiteOptions {
  /**
   * `relaxed`: what is recorded survives the death of the process. `strict`: and power loss; every commit waits for
   * the disk then. @default 'relaxed'
   */
  durability?: Durability | undefined;
}

/**
 * Stores tasks in a SQLite file, through `bun:sqlite`.
 *
 * `open` (the hub calls it) creates the file, readable by its owner only. A file that is not a TaskHub database is
 * refused and left as it is. Other runtimes can load the class, but `open` rejects there with STORAGE_UNAVAILABLE.
 *
 * @example
 * const hub = new Hub(new BunSQLiteAdapter('jobs.db', { durability: 'strict' }));
 */
// Inherits, against the rule of the house: else it were a page of methods that each call the same method.
export class BunSQLiteAdapter extends SqliteStore {
  /**
   * @param dbPath - the file, seen from the working folder unless absolute; its folder must be there
   * @param options - how durable
   * @throws TaskHubError INVALID_CONFIG when an option has a value that is not allowed
   */
  constructor(dbPath = 'taskhub.db', options: BunSQLiteOptions = {}) {
    let file: PreparedFile | undefined;
    super({
      name: 'bun-sqlite',
      path: dbPath,
      durability: options.durability,
      liveness: processLiveness,
      sha256,
      verify: () => file?.verify(),
      connect: async () => {
        const openFile = await loadBunSqlite();
        file = prepareFile(dbPath);
        return { name: 'bun-sqlite', driver: openFile(file.path) };
      },
    });
  }
}
