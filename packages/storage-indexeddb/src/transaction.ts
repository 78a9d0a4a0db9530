// One transaction over all object stores. Reads give promises, writes are sent and not waited for.
import type { IDBPTransaction, IndexNames, StoreKey, StoreValue } from 'idb';
import type { Schema, StoreName } from './schema.js';

type Inner = IDBPTransaction<Schema, StoreName[], 'readwrite'>;
type Key<N extends StoreName> = StoreKey<Schema, N>;

/**
 * What the functions of the contract work with.
 *
 * An IndexedDB transaction commits by itself as soon as none of its requests is under way: between two calls of it
 * nothing else may be awaited. Writes that fail abort the transaction, which its end reports; so they give no promise.
 */
export class Transaction {
  /** Numbers of tasks by their ids, as they were when last seen. */
  readonly numbers: Map<string, number>;
  readonly #inner: Inner;

  constructor(inner: Inner, numbers: Map<string, number>) {
    this.#inner = inner;
    this.numbers = numbers;
  }

  get<N extends StoreName>(store: N, key: Key<N>): Promise<StoreValue<Schema, N> | undefined> {
    return this.#inner.objectStore(store).get(key);
  }

  /** Rows in order of their keys, `count` at most. */
  getAll<N extends StoreName>(
    store: N,
    range: IDBKeyRange,
    count?: number,
  ): Promise<StoreValue<Schema, N>[]> {
    return this.#inner.objectStore(store).getAll(range, count);
  }

  getAllKeys<N extends StoreName>(store: N, range: IDBKeyRange | null, count: number): Promise<Key<N>[]> {
    return this.#inner.objectStore(store).getAllKeys(range, count);
  }

  /** Rows in order of an index, `count` at most. */
  getAllBy<N extends StoreName>(
    store: N,
    index: IndexNames<Schema, N>,
    range: IDBKeyRange,
    count?: number,
  ): Promise<StoreValue<Schema, N>[]> {
    return this.#inner.objectStore(store).index(index).getAll(range, count);
  }

  /** The first row in order of an index. */
  getBy<N extends StoreName>(
    store: N,
    index: IndexNames<Schema, N>,
    range: IDBKeyRange,
  ): Promise<StoreValue<Schema, N> | undefined> {
    return this.#inner.objectStore(store).index(index).get(range);
  }

  /** Adds a row whose key the store gives. */
  add(store: 'task', value: Omit<StoreValue<Schema, 'task'>, 'no'>): Promise<number> {
    // The key generator fills in `no`.
    return this.#inner.objectStore(store).add(value as StoreValue<Schema, 'task'>);
  }

  /** Writes a row; `key` where the store does not find it in the row. */
  put<N extends StoreName>(store: N, value: StoreValue<Schema, N>, key?: Key<N>): void {
    this.#inner.objectStore(store).put(value, key).catch(reportedByTheEnd);
  }

  delete<N extends StoreName>(store: N, key: Key<N> | IDBKeyRange): void {
    this.#inner.objectStore(store).delete(key).catch(reportedByTheEnd);
  }

  /** Tasks, newest first, until `visit` gives false. */
  async visitTasks(
    index: 'name' | 'root' | null,
    range: IDBKeyRange | null,
    after: number | undefined,
    visit: (task: StoreValue<Schema, 'task'>) => boolean,
  ): Promise<void> {
    const tasks = this.#inner.objectStore('task');
    if (index === null) {
      let cursor = await tasks.openCursor(range, 'prev');
      while (cursor !== null && visit(cursor.value)) cursor = await cursor.continue();
      return;
    }
    let cursor = await tasks.index(index).openCursor(range, 'prev');
    // Equal keys of an index are in order of `no`: jump to the first one that comes after.
    if (cursor !== null && after !== undefined && cursor.primaryKey >= after) {
      cursor = await cursor.continuePrimaryKey(cursor.key, after - 1);
    }
    while (cursor !== null && visit(cursor.value)) cursor = await cursor.continue();
  }
}

function reportedByTheEnd(): void {
  // A request that fails aborts its transaction, and that rejects `done`, which `Database` awaits.
}
