// The reference store: tasks and jobs in this process, in arrays. It lives and dies with its instance.
import { TaskHubError } from '../errors.js';
import type {
  Exchange,
  ExchangeResult,
  InsertResult,
  JobCounts,
  JobQuery,
  JobRecord,
  NewJob,
  NewTask,
  OwnerRecord,
  Page,
  StorageAdapter,
  StoredTaskStatus,
  TaskPatch,
  TaskQuery,
  TaskRecord,
} from './contract.js';
import { MemoryTask } from './memory-task.js';

/**
 * A store in memory: nothing is written anywhere, nothing is there after the process has ended.
 *
 * The data belongs to the instance, not to whoever opened it: hubs of one realm that are given the same instance
 * share its tasks, and closing one of them leaves the others in use.
 *
 * About 120 bytes per job besides its texts, and nothing takes longer for being among a million others.
 */
export class MemoryAdapter implements StorageAdapter {
  readonly name = 'memory';
  readonly capabilities: { persistent: boolean; shared: boolean } = { persistent: false, shared: true };
  readonly #tasks = new Map<string, MemoryTask>();
  #lastNo = 0;

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async insertTask(task: NewTask): Promise<{ task: TaskRecord; created: boolean }> {
    const known = this.#tasks.get(task.id);
    if (known !== undefined) return { task: known.record(), created: false };
    this.#lastNo += 1;
    const created = new MemoryTask(this.#lastNo, task);
    this.#tasks.set(task.id, created);
    return { task: created.record(), created: true };
  }

  async publishTask(
    provisional: string,
    final: { id: string; root: string; duplicates: number },
    now: number,
  ): Promise<{ task: TaskRecord; created: boolean }> {
    const task = this.#tasks.get(provisional);
    const taken = this.#tasks.get(final.id);
    if (taken !== undefined && taken !== task) {
      this.#tasks.delete(provisional);
      return { task: taken.record(), created: false };
    }
    if (task === undefined) throw deleted(provisional);
    this.#tasks.delete(provisional);
    this.#tasks.set(final.id, task);
    task.publish(final, now);
    return { task: task.record(), created: true };
  }

  async readTask(id: string): Promise<TaskRecord | null> {
    return this.#tasks.get(id)?.record() ?? null;
  }

  async listTasks({ name, status, root, after, limit }: TaskQuery): Promise<Page<TaskRecord>> {
    const found = [...this.#tasks.values()]
      .filter((task) => after === undefined || task.no < after)
      .filter((task) => name === undefined || task.name === name)
      .filter((task) => (status === undefined ? task.status !== 'ingesting' : task.status === status))
      .filter((task) => root === undefined || task.root === root)
      .sort((a, b) => b.no - a.no);
    const page = found.slice(0, limit);
    return {
      rows: page.map((task) => task.record()),
      next: page.length < found.length ? (page.at(-1)?.no ?? null) : null,
    };
  }

  async transitionTask(
    id: string,
    from: readonly StoredTaskStatus[],
    patch: TaskPatch,
    now: number,
  ): Promise<TaskRecord | null> {
    const task = this.#tasks.get(id);
    if (task === undefined || !from.includes(task.status)) return null;
    task.patch(patch, now);
    return task.record();
  }

  async deleteTask(id: string): Promise<boolean> {
    return this.#tasks.delete(id);
  }

  async insertJobs(
    taskId: string,
    jobs: readonly NewJob[],
    context: { now: number; last: boolean; no?: number | undefined },
  ): Promise<InsertResult> {
    const task = this.#find(taskId, context.no);
    if (task === undefined) throw deleted(taskId);
    const source = task.reuseFrom === null ? undefined : this.#tasks.get(task.reuseFrom);
    return task.insert(jobs, source, context);
  }

  async exchange(taskId: string, batch: Exchange): Promise<ExchangeResult> {
    const task = this.#find(taskId, batch.no);
    if (task !== undefined) return task.exchange(batch);
    const lost = batch.settle.map(({ seq }) => seq);
    return { claimed: [], lost, counts: noCounts(), status: null, nextDueAt: null };
  }

  async renewLeases(owner: string, leaseUntil: number): Promise<void> {
    for (const task of this.#tasks.values()) task.renew(owner, leaseUntil);
  }

  async listOwners(taskId: string): Promise<OwnerRecord[]> {
    return this.#tasks.get(taskId)?.owners() ?? [];
  }

  async releaseJobs(
    taskId: string,
    { owner, crashed }: { owner: string; crashed: boolean },
    now: number,
  ): Promise<number> {
    return this.#tasks.get(taskId)?.release(owner, crashed, now) ?? 0;
  }

  async resetFailed(
    taskId: string,
    limit: number,
    now: number,
    seqs?: readonly number[],
  ): Promise<{ reset: number; counts: JobCounts }> {
    return this.#tasks.get(taskId)?.resetFailed(limit, now, seqs) ?? { reset: 0, counts: noCounts() };
  }

  async readJobs(taskId: string, query: JobQuery): Promise<Page<JobRecord>> {
    return this.#tasks.get(taskId)?.read(query) ?? { rows: [], next: null };
  }

  /** The task that has an id, if it is the one that is meant. */
  #find(id: string, no: number | undefined): MemoryTask | undefined {
    const task = this.#tasks.get(id);
    return no === undefined || task?.no === no ? task : undefined;
  }
}

function deleted(taskId: string): TaskHubError {
  return new TaskHubError('TASK_DELETED', `The task "${taskId}" was deleted.`, { details: { taskId } });
}

function noCounts(): JobCounts {
  return { total: 0, pending: 0, waiting: 0, active: 0, completed: 0, failed: 0 };
}
