// Where the workers of one store run: what a round of kills needs of it.
import { BrowserBench } from './browser-bench.ts';
import type { Order, Store } from './order.ts';
import type { Found } from './read-task.ts';
import { Place, readFile, startWorker, type Worker } from './workers.ts';

export interface Bench {
  readonly store: Store;
  /** The journal, which outlives the workers. */
  readonly place: Place;
  /** Where the task is stored, for the order of a worker. */
  readonly path: string;
  /** As new: no task, an empty journal. */
  clear(): void;
  start(order: Order): Worker;
  /** What is stored. @throws Error when the database is not whole */
  read(): Promise<Found | undefined>;
  end(): Promise<void>;
}

/** Opens the bench of a store. */
export async function openBench(store: Store): Promise<Bench> {
  if (store === 'opfs' || store === 'indexeddb') return BrowserBench.open(store);
  const place = new Place();
  const { path } = place;
  return {
    store,
    place,
    path,
    clear: () => place.clear(),
    start: startWorker,
    read: () => readFile(path),
    end: async () => place.remove(),
  };
}
