// Other processes that work on a task.
import type { StorageAdapter } from '@shelchin/taskhub';

/** How many processes work on a task now, this one included if it does. */
export async function countWorkers(store: StorageAdapter, taskId: string): Promise<number> {
  const owners = await store.listOwners(taskId);
  const now = Date.now();
  return owners.filter((owner) => owner.leaseUntil > now).length;
}

/** ms between two looks. */
const LOOK_MS = 2000;

/** Calls `say` whenever another number of processes works on a task. @returns a function that ends it */
export function watchWorkers(
  store: StorageAdapter,
  taskId: string,
  say: (workers: number) => void,
): () => void {
  let known = 1;
  const look = async (): Promise<void> => {
    const workers = await countWorkers(store, taskId).catch(() => known); // the run itself will tell
    if (workers !== known && workers > 0) say(workers);
    known = Math.max(workers, 1);
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
