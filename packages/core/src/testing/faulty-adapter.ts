// A store that goes wrong when it is told to: for tests of what the engine does then.
import type { StorageAdapter } from '../storage/contract.js';

/** The methods of a store that can be made to fail. */
export type StorageMethod = {
  [K in keyof StorageAdapter]-?: NonNullable<StorageAdapter[K]> extends (...args: never[]) => Promise<unknown>
    ? K
    : never;
}[keyof StorageAdapter];

/** What goes wrong with one call. */
export interface Fault {
  /** The call begins only when this is settled. */
  until?: PromiseLike<unknown>;
  /** The call rejects with this. */
  error?: unknown;
  /** With `error`: the store does its work all the same, as when only the answer is lost. @default false */
  applied?: boolean;
  /** What the call gives or rejects with comes only when this is settled; its work is done by then. */
  answer?: PromiseLike<unknown>;
}

/** Asked before every call: what goes wrong with it. `nth` counts the calls of the method, from 1. */
export type FaultPlan = (call: {
  method: StorageMethod;
  nth: number;
  args: readonly unknown[];
}) => Fault | undefined;

/**
 * Another store with faults: chosen calls fail, wait, or do their work and fail all the same.
 *
 * @example
 * const store = new FaultyAdapter(new MemoryAdapter());
 * const hub = new Hub(store);
 * store.plan = ({ method }) => (method === 'exchange' ? { error: new Error('disk I/O error') } : undefined);
 */
export class FaultyAdapter implements StorageAdapter {
  readonly name: string;
  readonly capabilities: StorageAdapter['capabilities'];
  readonly liveness?: NonNullable<StorageAdapter['liveness']>;
  readonly turns?: NonNullable<StorageAdapter['turns']>;
  /** May be replaced at any time. */
  plan: FaultPlan;
  readonly #inner: StorageAdapter;
  readonly #calls = new Map<StorageMethod, number>();

  constructor(inner: StorageAdapter, plan: FaultPlan = () => undefined) {
    this.#inner = inner;
    this.plan = plan;
    this.name = inner.name;
    this.capabilities = inner.capabilities;
    if (inner.liveness !== undefined) this.liveness = inner.liveness;
    if (inner.turns !== undefined) this.turns = inner.turns;
  }

  /** How often a method was called. */
  calls(method: StorageMethod): number {
    return this.#calls.get(method) ?? 0;
  }

  open: StorageAdapter['open'] = (...args) => this.#call('open', args);
  close: StorageAdapter['close'] = (...args) => this.#call('close', args);
  insertTask: StorageAdapter['insertTask'] = (...args) => this.#call('insertTask', args);
  publishTask: StorageAdapter['publishTask'] = (...args) => this.#call('publishTask', args);
  readTask: StorageAdapter['readTask'] = (...args) => this.#call('readTask', args);
  listTasks: StorageAdapter['listTasks'] = (...args) => this.#call('listTasks', args);
  transitionTask: StorageAdapter['transitionTask'] = (...args) => this.#call('transitionTask', args);
  deleteTask: StorageAdapter['deleteTask'] = (...args) => this.#call('deleteTask', args);
  insertJobs: StorageAdapter['insertJobs'] = (...args) => this.#call('insertJobs', args);
  exchange: StorageAdapter['exchange'] = (...args) => this.#call('exchange', args);
  renewLeases: StorageAdapter['renewLeases'] = (...args) => this.#call('renewLeases', args);
  listOwners: StorageAdapter['listOwners'] = (...args) => this.#call('listOwners', args);
  releaseJobs: StorageAdapter['releaseJobs'] = (...args) => this.#call('releaseJobs', args);
  resetFailed: StorageAdapter['resetFailed'] = (...args) => this.#call('resetFailed', args);
  readJobs: StorageAdapter['readJobs'] = (...args) => this.#call('readJobs', args);

  async #call<T>(method: StorageMethod, args: readonly unknown[]): Promise<T> {
    const nth = this.calls(method) + 1;
    this.#calls.set(method, nth);
    const { until, applied = false, answer, ...rest } = this.plan({ method, nth, args }) ?? {};
    await until;
    const fails = 'error' in rest;
    if (fails && !applied) {
      await answer;
      throw rest.error;
    }
    // The method and its arguments came together.
    const work = this.#inner[method] as (...args: unknown[]) => Promise<T>;
    const result = await work.apply(this.#inner, [...args]);
    await answer;
    if (fails) throw rest.error;
    return result;
  }
}
