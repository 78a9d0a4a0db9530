// The half that all stores share: open or closed, wrong arguments, and one kind of error.
import { isTaskHubError, TaskHubError } from '../errors.js';
import type { StorageAdapter } from './contract.js';

/** The methods that need an open store. `exportDatabase` is the one that a store may lack. */
type Method =
  | 'insertTask'
  | 'publishTask'
  | 'readTask'
  | 'listTasks'
  | 'transitionTask'
  | 'deleteTask'
  | 'insertJobs'
  | 'exchange'
  | 'renewLeases'
  | 'listOwners'
  | 'releaseJobs'
  | 'resetFailed'
  | 'readJobs';
type Args<M extends Method> = Parameters<StorageAdapter[M]>;

/** What must hold of the arguments of a method. */
const CHECKS: { [M in Method]?: (...args: Args<M>) => void } = {
  insertTask({ leaseUntil, now }) {
    whole('leaseUntil', leaseUntil);
    whole('now', now);
  },
  publishTask(_provisional, { root }, now) {
    if (!/^[0-9a-f]{64}$/.test(root)) throw wrong('root', 'be 64 digits of lower-case hex', root);
    whole('now', now);
  },
  listTasks({ limit }) {
    whole('limit', limit, 1);
  },
  transitionTask(_id, _from, _patch, now) {
    whole('now', now);
  },
  insertJobs(_taskId, jobs, { now }) {
    whole('now', now);
    for (const { seq, hash } of jobs) {
      whole('seq', seq, 1);
      if (hash.length !== 32) throw wrong('hash', 'have 32 bytes', hash.length);
    }
  },
  exchange(_taskId, { now, settle, claim }) {
    whole('now', now);
    // Per job only this: a store may compute with it. It takes some ns of the µs that a settlement takes.
    for (const { seq } of settle) whole('seq', seq, 1);
    if (claim === null) return;
    whole('limit', claim.limit);
    whole('leaseUntil', claim.leaseUntil);
    if (claim.longestWait !== undefined) whole('longestWait', claim.longestWait);
  },
  renewLeases(_owner, leaseUntil) {
    whole('leaseUntil', leaseUntil);
  },
  releaseJobs(_taskId, _owner, now) {
    whole('now', now);
  },
  resetFailed(_taskId, limit, now, seqs = []) {
    whole('limit', limit, 1);
    whole('now', now);
    if (seqs.length > 500) throw wrong('seqs', 'be at most 500', seqs.length);
    for (const seq of seqs) whole('seq', seq, 1);
  },
  readJobs(_taskId, { after = 0, limit }) {
    whole('after', after);
    whole('limit', limit, 1);
  },
};

function whole(name: string, value: number, least = 0): void {
  if (!Number.isSafeInteger(value) || value < least)
    throw wrong(name, `be whole and at least ${least}`, value);
}

function wrong(name: string, rule: string, value: unknown): TypeError {
  return new TypeError(`${name} must ${rule}, but is ${String(value)}.`);
}

const checkedOnes = new WeakSet<StorageAdapter>();

/**
 * A store behind the checks that every store needs, so that none has to make them.
 *
 * - Before `open()` has ended, a call rejects with STORAGE_UNAVAILABLE; from `close()` on, with HUB_CLOSED, also one
 *   that was under way and failed because of it. An `open()` that failed may be called again.
 * - What the store throws that is no `TaskHubError` becomes STORAGE_FAILED, with it as `cause`.
 * - Arguments that are a mistake of the caller (a `limit` below 0, a `hash` that has not 32 bytes) reject with a
 *   `TypeError`, and the store is not called.
 *
 * A store that is wrapped already is given back as it is. Each hub wraps for itself: a closed wrapper stays closed,
 * and says nothing of the store inside, which another hub may use.
 */
export function checked(adapter: StorageAdapter): StorageAdapter {
  if (checkedOnes.has(adapter)) return adapter;
  let opening: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  let isOpen = false;

  function refused(method: string): TaskHubError {
    return closing === undefined
      ? new TaskHubError('STORAGE_UNAVAILABLE', `${method}: the storage "${adapter.name}" is not open yet.`)
      : new TaskHubError(
          'HUB_CLOSED',
          `${method}: the storage "${adapter.name}" was closed. Create a new hub.`,
        );
  }

  function failure(method: string, error: unknown): TaskHubError {
    if (isTaskHubError(error)) return error;
    if (closing !== undefined && method !== 'close') {
      return new TaskHubError('HUB_CLOSED', `${method}: the storage was closed meanwhile.`, { cause: error });
    }
    const what = error instanceof Error ? error.message : String(error);
    const message = `${method}: the storage "${adapter.name}" failed: ${what}`;
    return new TaskHubError('STORAGE_FAILED', message, { details: { method }, cause: error });
  }

  function guard<A extends unknown[], R>(
    method: string,
    call: (...args: A) => Promise<R>,
    check?: (...args: A) => void,
  ): (...args: A) => Promise<R> {
    return async (...args) => {
      if (!isOpen) throw refused(method);
      check?.(...args);
      try {
        return await call.apply(adapter, args);
      } catch (error) {
        throw failure(method, error);
      }
    };
  }

  async function openOnce(): Promise<void> {
    try {
      await adapter.open();
    } catch (error) {
      opening = undefined;
      throw failure('open', error);
    }
    isOpen = closing === undefined;
  }

  async function closeOnce(): Promise<void> {
    isOpen = false;
    if (opening === undefined) return;
    try {
      await opening;
    } catch {
      return; // It never opened; whoever called open() was told.
    }
    try {
      await adapter.close();
    } catch (error) {
      throw failure('close', error);
    }
  }

  const store: StorageAdapter = {
    // Some know what they are only when they are open.
    get name() {
      return adapter.name;
    },
    capabilities: adapter.capabilities,
    ...(adapter.liveness === undefined ? {} : { liveness: adapter.liveness }),
    ...(adapter.turns === undefined ? {} : { turns: adapter.turns }),
    sha256: adapter.sha256,
    async open() {
      if (closing !== undefined) throw refused('open');
      opening ??= openOnce();
      await opening;
    },
    close() {
      closing ??= closeOnce();
      return closing;
    },
    insertTask: guard('insertTask', adapter.insertTask, CHECKS.insertTask),
    publishTask: guard('publishTask', adapter.publishTask, CHECKS.publishTask),
    readTask: guard('readTask', adapter.readTask),
    listTasks: guard('listTasks', adapter.listTasks, CHECKS.listTasks),
    transitionTask: guard('transitionTask', adapter.transitionTask, CHECKS.transitionTask),
    deleteTask: guard('deleteTask', adapter.deleteTask),
    insertJobs: guard('insertJobs', adapter.insertJobs, CHECKS.insertJobs),
    exchange: guard('exchange', adapter.exchange, CHECKS.exchange),
    renewLeases: guard('renewLeases', adapter.renewLeases, CHECKS.renewLeases),
    listOwners: guard('listOwners', adapter.listOwners),
    releaseJobs: guard('releaseJobs', adapter.releaseJobs, CHECKS.releaseJobs),
    resetFailed: guard('resetFailed', adapter.resetFailed, CHECKS.resetFailed),
    readJobs: guard('readJobs', adapter.readJobs, CHECKS.readJobs),
    ...(adapter.exportDatabase === undefined
      ? {}
      : { exportDatabase: guard('exportDatabase', adapter.exportDatabase) }),
  };
  checkedOnes.add(store);
  return store;
}
