// What a worker is told, as JSON in its first argument.

export interface Order {
  store: 'node' | 'bun';
  path: string;
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
}
