// A SQLite store in a file, as the shared tests see it: what each adapter brings, and fixtures made of it.
import { onTestFinished } from 'vitest';
import type { Durability, SqliteDriver } from '../index.js';
import { SqliteStore } from '../index.js';
import { insertMany, newTask } from './fixtures.js';

/** What an adapter brings for the tests that all SQLite stores in files share. */
export interface TestedStore {
  /** The name of the storage once it is open, as in the option `storage`. */
  name: string;
  /** A store on this file, not open yet. */
  newStore(path: string, options?: { durability?: Durability }): SqliteStore;
  /** A connection to this file, as a program has that is not TaskHub. */
  connect(path: string): SqliteDriver;
  /** A module that ends in `serveWorker(…)`: see worker.ts. */
  worker: URL;
}

/** Stores of one adapter. They are closed when the test has ended. */
export interface Stores {
  openStore(path: string, options?: { durability?: Durability }): Promise<SqliteStore>;
  /** A store with the task `t` of this many jobs. */
  storeWithJobs(path: string, jobs: number): Promise<SqliteStore>;
  openRaw(path: string): SqliteDriver;
  /** A store together with its connection, to set limits on it that no user can. */
  openStoreWithDriver(
    path: string,
    durability?: Durability,
  ): Promise<{ store: SqliteStore; driver: SqliteDriver }>;
}

export function storesOf(subject: TestedStore): Stores {
  async function openStore(path: string, options?: { durability?: Durability }): Promise<SqliteStore> {
    const store = subject.newStore(path, options);
    await store.open();
    onTestFinished(() => store.close());
    return store;
  }

  return {
    openStore,
    async storeWithJobs(path, jobs) {
      const store = await openStore(path);
      await store.insertTask(newTask('t'));
      await insertMany(store, 't', jobs);
      return store;
    },
    openRaw(path) {
      const driver = subject.connect(path);
      onTestFinished(() => closeQuietly(driver));
      return driver;
    },
    async openStoreWithDriver(path, durability = 'relaxed') {
      const driver = subject.connect(path);
      const connect = async () => ({ name: 'test', driver });
      const store = new SqliteStore({ name: 'test', path, durability, connect });
      await store.open();
      onTestFinished(() => store.close());
      return { store, driver };
    },
  };
}

function closeQuietly(driver: SqliteDriver): void {
  try {
    driver.close();
  } catch {
    // The test has closed it already.
  }
}
