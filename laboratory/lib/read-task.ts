// What a store holds: the one task with its rows, and whether they agree.
import type { JobRecord, StorageAdapter, TaskRecord } from '@taskhub/core';

/** The one task of a store with its rows. */
export interface Found {
  task: TaskRecord;
  rows: JobRecord[];
}

/**
 * @param store - open
 * @returns undefined when no task was created
 */
export async function readTask(store: StorageAdapter): Promise<Found | undefined> {
  const { rows: tasks } = await store.listTasks({ limit: 10 });
  if (tasks.length > 1) throw new Error(`${tasks.length} tasks are visible`);
  const [task] = tasks;
  if (task === undefined) return undefined;
  const rows: JobRecord[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const page = await store.readJobs(task.id, { after, limit: 10_000 });
    rows.push(...page.rows);
    after = page.next;
  }
  return { task, rows };
}

/** Inputs that a store has results of. */
export function completedIn(rows: readonly JobRecord[]): Set<number> {
  const done = rows.filter(({ status }) => status === 'completed');
  return new Set(done.map(({ input }) => (JSON.parse(input) as { n: number }).n));
}

/** Whether the counters of a task are what its rows come to. */
export function countersAreRight({ task, rows }: Found): boolean {
  const count = (status: string): number => rows.filter((row) => row.status === status).length;
  const { total, pending, active, completed, failed } = task.counts;
  const kept = [total, pending, active, completed, failed].join();
  return kept === [rows.length, ...['pending', 'active', 'completed', 'failed'].map(count)].join();
}
