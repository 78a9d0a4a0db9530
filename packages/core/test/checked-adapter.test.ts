import { describe, expect, test, vi } from 'vitest';
import { TaskHubError } from '../src/errors.js';
import { checked } from '../src/storage/checked-adapter.js';
import type { NewJob, Settlement, StorageAdapter } from '../src/storage/contract.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { conformance } from '../src/testing/conformance.js';

conformance(
  { test, equal: (actual, expected, message) => expect(actual, message).toStrictEqual(expected) },
  {
    name: 'checked memory',
    create() {
      const adapter = new MemoryAdapter();
      return { open: () => checked(adapter), destroy() {} };
    },
  },
);

const NOW = 1_700_000_000_000;
const newTask = {
  id: 't',
  name: 'n',
  status: 'idle',
  options: '{}',
  reuseFrom: null,
  owner: 'ann',
  leaseUntil: NOW,
  now: NOW,
} as const;
const hash = new Uint8Array(32);
const final = { id: 't', root: '0'.repeat(64), duplicates: 0 };
const settlement: Settlement = { seq: 1, startedAt: NOW, endedAt: NOW, outcome: 'completed', output: null };
const exchange = { owner: 'ann', now: NOW, settle: [], claim: null };

/** A memory store with some methods replaced. */
function storeWith(over: Partial<StorageAdapter>): StorageAdapter {
  return Object.assign(new MemoryAdapter(), over);
}

async function opened(adapter: StorageAdapter = new MemoryAdapter()): Promise<StorageAdapter> {
  const store = checked(adapter);
  await store.open();
  return store;
}

/** A promise and what settles it. */
function gate(): { promise: Promise<void>; open: () => void; fail: (error: Error) => void } {
  let open!: () => void; // The executor runs at once.
  let fail!: (error: Error) => void;
  const promise = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}

const CALLS: [string, (store: StorageAdapter) => Promise<unknown>][] = [
  ['insertTask', (store) => store.insertTask(newTask)],
  ['publishTask', (store) => store.publishTask('p', final, NOW)],
  ['readTask', (store) => store.readTask('t')],
  ['listTasks', (store) => store.listTasks({ limit: 1 })],
  ['transitionTask', (store) => store.transitionTask('t', ['idle'], {}, NOW)],
  ['deleteTask', (store) => store.deleteTask('t')],
  ['insertJobs', (store) => store.insertJobs('t', [], { now: NOW, last: false })],
  ['exchange', (store) => store.exchange('t', exchange)],
  ['renewLeases', (store) => store.renewLeases('ann', NOW)],
  ['listOwners', (store) => store.listOwners('t')],
  ['releaseJobs', (store) => store.releaseJobs('t', { owner: 'ann', crashed: true }, NOW)],
  ['resetFailed', (store) => store.resetFailed('t', 1, NOW)],
  ['readJobs', (store) => store.readJobs('t', { limit: 1 })],
];

describe('open and closed', () => {
  test.each(CALLS)('%s: before open() the storage is unavailable', async (_name, call) => {
    await expect(call(checked(new MemoryAdapter()))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  });

  test.each(CALLS)('%s: after close() the hub is closed', async (_name, call) => {
    const store = await opened();
    await store.close();
    await expect(call(store)).rejects.toMatchObject({ code: 'HUB_CLOSED' });
  });

  test('open: several calls open the store once', async () => {
    const open = vi.fn(async () => {});
    const store = checked(storeWith({ open }));
    await Promise.all([store.open(), store.open()]);
    await store.open();
    expect(open).toHaveBeenCalledTimes(1);
  });

  test('open: while it is under way the storage is unavailable', async () => {
    const { promise, open } = gate();
    const store = checked(storeWith({ open: () => promise }));
    const opening = store.open();
    await expect(store.readTask('t')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    open();
    await opening;
    expect(await store.readTask('t')).toBeNull();
  });

  test('open: one that failed may be called again', async () => {
    let opens = 0;
    const store = checked(
      storeWith({
        async open() {
          opens += 1;
          if (opens === 1) throw new Error('no disk');
        },
      }),
    );
    await expect(store.open()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await expect(store.readTask('t')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await store.open();
    expect(await store.readTask('t')).toBeNull();
  });

  test('open: after close() the hub is closed', async () => {
    const store = await opened();
    await store.close();
    await expect(store.open()).rejects.toMatchObject({ code: 'HUB_CLOSED' });
  });

  test('close: several calls close the store once', async () => {
    const close = vi.fn(async () => {});
    const store = await opened(storeWith({ close }));
    await Promise.all([store.close(), store.close()]);
    await store.close();
    expect(close).toHaveBeenCalledTimes(1);
  });

  test('close: a store that was never opened is not touched', async () => {
    const close = vi.fn(async () => {});
    const store = checked(storeWith({ close }));
    await store.close();
    expect(close).not.toHaveBeenCalled();
    await expect(store.open()).rejects.toMatchObject({ code: 'HUB_CLOSED' });
  });

  test('close: waits for an open() under way, which leaves nothing open', async () => {
    const { promise, open } = gate();
    const calls: string[] = [];
    const store = checked(
      storeWith({
        async open() {
          await promise;
          calls.push('open');
        },
        close: async () => void calls.push('close'),
      }),
    );
    const opening = store.open();
    const closing = store.close();
    open();
    await Promise.all([opening, closing]);
    expect(calls).toEqual(['open', 'close']);
    await expect(store.readTask('t')).rejects.toMatchObject({ code: 'HUB_CLOSED' });
  });

  test('close: an open() that fails meanwhile is no failure of close()', async () => {
    const { promise, fail } = gate();
    const store = checked(storeWith({ open: () => promise }));
    const opening = store.open();
    const closing = store.close();
    fail(new Error('no disk'));
    await expect(opening).rejects.toBeInstanceOf(TaskHubError);
    await closing;
  });

  test('close: a call under way that fails because of it says that the hub was closed', async () => {
    const { promise, fail } = gate();
    const store = await opened(storeWith({ listOwners: () => promise as Promise<never> }));
    const call = store.listOwners('t');
    await store.close();
    const cause = new Error('The database connection is not open');
    fail(cause);
    await expect(call).rejects.toMatchObject({ code: 'HUB_CLOSED', cause });
  });

  test('close: a call under way that succeeds keeps its answer', async () => {
    const { promise, open } = gate();
    const store = await opened(storeWith({ deleteTask: () => promise.then(() => true) }));
    const call = store.deleteTask('t');
    await store.close();
    open();
    expect(await call).toBe(true);
  });
});

describe('errors', () => {
  test('a thrown error is STORAGE_FAILED with it as cause, and names method and store', async () => {
    const cause = new Error('disk I/O error');
    const store = await opened(storeWith({ exchange: () => Promise.reject(cause) }));
    const error = await store.exchange('t', exchange).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TaskHubError);
    expect(error).toMatchObject({ code: 'STORAGE_FAILED', cause, details: { method: 'exchange' } });
    expect(String(error)).toContain('exchange: the storage "memory" failed: disk I/O error');
  });

  test('a synchronous throw, of anything, is STORAGE_FAILED too', async () => {
    const store = await opened(
      storeWith({
        readTask() {
          throw undefined;
        },
      }),
    );
    await expect(store.readTask('t')).rejects.toMatchObject({ code: 'STORAGE_FAILED', cause: undefined });
  });

  test('a TaskHubError is passed on as it is', async () => {
    const full = new TaskHubError('STORAGE_FULL', 'The disk is full.');
    const store = await opened(storeWith({ insertJobs: () => Promise.reject(full) }));
    await expect(store.insertJobs('t', [], { now: NOW, last: false })).rejects.toBe(full);
  });

  test('an error of close() is STORAGE_FAILED', async () => {
    const store = await opened(storeWith({ close: () => Promise.reject(new Error('busy')) }));
    await expect(store.close()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });
});

describe('arguments', () => {
  const insert = (store: StorageAdapter, job: Partial<NewJob>): Promise<unknown> =>
    store.insertJobs('t', [{ seq: 1, hash, key: null, input: '1', ...job }], { now: NOW, last: false });
  const claim = (store: StorageAdapter, limit: number, leaseUntil = NOW): Promise<unknown> =>
    store.exchange('t', { ...exchange, claim: { limit, leaseUntil } });

  test.each<[string, (store: StorageAdapter) => Promise<unknown>]>([
    ['insertTask: now', (store) => store.insertTask({ ...newTask, now: Number.NaN })],
    ['insertTask: leaseUntil', (store) => store.insertTask({ ...newTask, leaseUntil: -1 })],
    ['publishTask: a root of bytes', (store) => store.publishTask('p', { ...final, root: 'ABC' }, NOW)],
    ['listTasks: limit 0', (store) => store.listTasks({ limit: 0 })],
    ['listTasks: limit Infinity', (store) => store.listTasks({ limit: Number.POSITIVE_INFINITY })],
    ['transitionTask: now', (store) => store.transitionTask('t', ['idle'], {}, 0.5)],
    ['insertJobs: seq 0', (store) => insert(store, { seq: 0 })],
    ['insertJobs: seq 1.5', (store) => insert(store, { seq: 1.5 })],
    ['insertJobs: a hash of 31 bytes', (store) => insert(store, { hash: new Uint8Array(31) })],
    [
      'insertJobs: a job that is none',
      (store) => store.insertJobs('t', [null as never], { now: NOW, last: false }),
    ],
    ['exchange: now', (store) => store.exchange('t', { ...exchange, now: -1 })],
    ['exchange: limit −1', (store) => claim(store, -1)],
    ['exchange: limit 1.5', (store) => claim(store, 1.5)],
    ['exchange: leaseUntil', (store) => claim(store, 1, Number.NaN)],
    [
      'exchange: seq 1.5',
      (store) => store.exchange('t', { ...exchange, settle: [{ ...settlement, seq: 1.5 }] }),
    ],
    ['renewLeases: leaseUntil', (store) => store.renewLeases('ann', Number.POSITIVE_INFINITY)],
    ['releaseJobs: now', (store) => store.releaseJobs('t', { owner: 'ann', crashed: true }, Number.NaN)],
    ['resetFailed: limit 0', (store) => store.resetFailed('t', 0, NOW)],
    ['resetFailed: 501 seqs', (store) => store.resetFailed('t', 1, NOW, new Array<number>(501).fill(1))],
    ['readJobs: limit −1', (store) => store.readJobs('t', { limit: -1 })],
    ['readJobs: after −1', (store) => store.readJobs('t', { after: -1, limit: 1 })],
  ])('%s is a TypeError and reaches no store', async (_what, call) => {
    const unreachable = () => Promise.reject(new Error('The store was called.'));
    const names = CALLS.map(([name]) => [name, unreachable]);
    const store = await opened(storeWith(Object.fromEntries(names)));
    await expect(call(store)).rejects.toBeInstanceOf(TypeError);
  });

  test('a claim of 0 jobs is allowed', async () => {
    await expect(claim(await opened(), 0)).resolves.toMatchObject({ claimed: [] });
  });
});

describe('the wrapper', () => {
  test('a wrapped store is not wrapped again', () => {
    const store = checked(new MemoryAdapter());
    expect(checked(store)).toBe(store);
  });

  test('two wrappers of one store live apart', async () => {
    const adapter = new MemoryAdapter();
    const [ann, bob] = [await opened(adapter), await opened(adapter)];
    await ann.insertTask(newTask);
    await ann.close();
    expect(await bob.readTask('t')).toMatchObject({ id: 't' });
  });

  test('name, capabilities, liveness and sha256 are those of the store', () => {
    const liveness = { identify: () => 'me', isGone: () => undefined };
    const sha256 = () => hash;
    const store = checked(storeWith({ liveness, sha256 }));
    expect([store.name, store.capabilities.persistent]).toEqual(['memory', false]);
    expect([store.liveness, store.sha256]).toEqual([liveness, sha256]);
    expect(Object.keys(checked(new MemoryAdapter()))).not.toContain('liveness');
  });

  test('exportDatabase is there when the store has it, and guarded', async () => {
    const bytes = Uint8Array.of(1, 2);
    const store = checked(storeWith({ exportDatabase: async () => bytes }));
    await expect(store.exportDatabase?.()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await store.open();
    expect(await store.exportDatabase?.()).toBe(bytes);
    expect('exportDatabase' in checked(new MemoryAdapter())).toBe(false);
  });
});
