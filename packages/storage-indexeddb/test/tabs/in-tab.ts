// What the tabs of these tests can do; Node calls it by name.
import { Hub, type RunSummary } from '@taskhub/core';
import {
  type Audit,
  audit,
  type Outcome,
  outcomeOf,
  prepare,
  probeInSandbox,
  type RunOptions,
  runSquares,
  type Stored,
  stored,
  work,
} from 'tabs/in-page';
import { IndexedDBAdapter } from '../../src/index.js';

type Durability = 'relaxed' | 'strict';

/** The functions of a tab. */
export interface Tab {
  /** Runs `jobs` jobs of `ms` each; reports every handler call. Resolves when the run has ended. */
  run(options: RunOptions): Promise<Outcome<RunSummary>>;
  /** Starts the same and does not wait. */
  begin(options: RunOptions): void;
  /** Counters by the rows and as kept, and the outputs in order. */
  audit(): Promise<Audit>;
  identify(): Promise<string>;
  isGone(identity: string): Promise<boolean | undefined>;
  /** Claims and settles groups until nothing is left; reports what is acknowledged. */
  work(owner: string, group: number, durability: Durability): Promise<number[]>;
  /** Makes a task of `jobs` jobs for `work`. */
  prepare(jobs: number): Promise<void>;
  /** What is stored of the task of `prepare`. */
  stored(): Promise<Stored>;
  /** Raises the version of the database as a newer TaskHub would. */
  upgrade(): Promise<void>;
  /** Whether an adapter can be opened, and what it finds. */
  probe(): Promise<Outcome<number>>;
  /** Opens an adapter in a frame without an origin. */
  probeInSandbox(): Promise<string>;
}

declare global {
  interface Window {
    tab: Tab;
    report?(value: number): Promise<void>;
  }
}

const report = (value: number): Promise<void> | undefined => window.report?.(value);

let hub: Hub | undefined;

const run: Tab['run'] = (options) => {
  hub ??= new Hub(new IndexedDBAdapter());
  return outcomeOf(runSquares(hub, options, report));
};

/** With a store of its own, closed afterwards. */
async function withStore<T>(
  use: (store: IndexedDBAdapter) => Promise<T>,
  durability?: Durability,
): Promise<T> {
  const store = new IndexedDBAdapter('taskhub', { durability });
  await store.open();
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

window.tab = {
  run,
  begin: (options) => void run(options),
  audit: () => audit(new Hub(new IndexedDBAdapter())),
  async identify() {
    return new IndexedDBAdapter().liveness.identify();
  },
  async isGone(identity) {
    return new IndexedDBAdapter().liveness.isGone(identity);
  },
  prepare: (jobs) => withStore((store) => prepare(store, jobs)),
  work: (owner, group, durability) => withStore((store) => work(store, owner, group, report), durability),
  stored: () => withStore(stored),
  upgrade() {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open('taskhub', 99);
      request.onsuccess = () => {
        request.result.close();
        resolve();
      };
      request.onerror = () => reject(request.error);
      request.onblocked = () => reject(new Error('blocked'));
    });
  },
  probe: () => outcomeOf(withStore(async (store) => (await store.listTasks({ limit: 10 })).rows.length)),
  probeInSandbox: () => probeInSandbox(),
};
