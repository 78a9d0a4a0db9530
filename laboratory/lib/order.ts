// What a worker is told.

/** Where its task is stored: in a process of Node or Bun, or in a page. */
export const STORES = ['node', 'bun', 'opfs', 'indexeddb'] as const;
export type Store = (typeof STORES)[number];

export interface Order {
  store: Store;
  /** Of the file, or the name of the database. */
  path: string;
  /** The file in which a process writes what it does; a page tells its server. */
  journal: string;
  jobs: number;
  /** How long a handler takes. */
  ms: number;
  concurrency: number;
  leaseMs: number;
  durability: 'relaxed' | 'strict';
  maxCrashes: number;
  /** Kills itself at the nth call of a method of the store: before it, or when it is done. */
  dieAt?: { method: string; nth: number; done: boolean };
  /** The input whose handler kills the process. */
  poison?: number;
  /** How long the handlers of odd inputs take, if not `ms`. */
  quickest?: number;
  /** The inputs come in the opposite order. */
  isReversed?: boolean;
  ifExists?: 'restart';
  /** The input whose handler blocks the event loop for so many ms. */
  block?: { n: number; ms: number };
}
