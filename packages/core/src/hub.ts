// The public handle of a store: makes, finds, resumes and deletes tasks, and ends them all on close().

import { checkSource, readArguments, readSource, workWith } from './arguments.js';
import { nextTurn } from './clock.js';
import { checkOptions, completeConfig, mergeConfig, OPTION_RULES } from './config.js';
import { type Created, type Creation, createDeterministic, createDynamic } from './create.js';
import { type ComparedTask, compareTasks, diffTasks } from './diff.js';
import { TaskHubError } from './errors.js';
import { checkExisting, checkSame, findReusable } from './existing-task.js';
import { Owner } from './owner.js';
import { type Ports, systemPorts } from './ports.js';
import type { TaskDefinition } from './source.js';
import { checked } from './storage/checked-adapter.js';
import type { StorageAdapter, TaskQuery, TaskRecord } from './storage/contract.js';
import { readOptions } from './stored-options.js';
import { Task, type TaskHost } from './task.js';
import { TASK_TRANSITIONS } from './task-state.js';
import type {
  CreateTaskOptions,
  HubConfig,
  Inputs,
  StorageChoice,
  TaskComparison,
  TaskConfig,
  TaskMeta,
  TaskSourceLike,
  TaskStatus,
} from './types.js';

/** Most rows that one page of `listTasks` asks of the store. */
const PAGE = 500;

type AnySource = TaskSourceLike<unknown, unknown>;
type AnyTask = Task<unknown, unknown>;

/**
 * A store and the tasks in it.
 *
 * @example
 * const hub = new Hub(new NodeSQLiteAdapter('tasks.db'));
 * const task = await hub.createTask({ name: 'lengths', source: new Lengths() });
 * await task.start();
 * await hub.close();
 */
export class Hub {
  readonly #store: StorageAdapter;
  readonly #ports: Ports;
  readonly #leaseMs: number;
  readonly #choice: string;
  readonly #tasks = new Map<string, AnyTask>();
  readonly #creations = new Set<Promise<unknown>>();
  #ready: Promise<Owner> | undefined;
  #closing: Promise<void> | undefined;
  readonly #closed: Promise<never>;
  #rejectClosed: (error: TaskHubError) => void = () => undefined;

  /** @throws TaskHubError INVALID_CONFIG */
  constructor(
    adapter: StorageAdapter,
    config: HubConfig & { ports?: Partial<Ports> | undefined } = {},
    reason?: string,
  ) {
    const { leaseMs = 30_000, ports } = checkOptions<typeof config>('hub', config, OPTION_RULES.hub);
    this.#store = checked(adapter);
    this.#ports = { ...systemPorts, ...ports };
    this.#leaseMs = leaseMs;
    this.#choice = reason ?? 'given to the constructor of Hub';
    this.#closed = new Promise((_, reject) => {
      this.#rejectClosed = reject;
    });
    this.#closed.catch(() => undefined); // only races listen to it
  }

  /** What this hub stores in, and why. `name` is as in the option `storage`. */
  get storage(): StorageChoice {
    const { name, capabilities } = this.#store;
    return { name, persistent: capabilities.persistent, reason: this.#choice };
  }

  /** Opens the store. Idempotent, and implied by the first use of any other method. */
  async initialize(): Promise<void> {
    await this.#open();
  }

  /**
   * Creates a task, or gives the one that has the same name and data (`task.created` tells which).
   *
   * @throws TaskHubError INVALID_CONFIG, INPUT_NOT_SERIALIZABLE, JOB_ID_CONFLICT, DUPLICATE_INPUT, SOURCE_FAILED,
   *   TASK_EXISTS, SOURCE_MISMATCH, HUB_CLOSED or a code of the storage
   */
  createTask<TInput, TOutput>(options: CreateTaskOptions<TInput, TOutput>): Promise<Task<TInput, TOutput>>;
  createTask<TInput, TOutput>(
    definition: TaskDefinition<TInput, TOutput>,
    extra?: { inputs?: Inputs<TInput> | undefined },
  ): Promise<Task<TInput, TOutput>>;
  // The overloads above say what goes together; inside, inputs and outputs are unknown.
  // biome-ignore lint/suspicious/noExplicitAny: no other type takes both overloads
  async createTask(options: any, extra: { inputs?: any } = {}): Promise<Task<any, any>> {
    const { identity, config, source } = readArguments(options, extra);
    const owner = await this.#open();
    const codec = config.codec ?? source.codec;
    completeConfig(config);
    const { ifExists = 'resume' } = identity;
    const creation: Creation = {
      store: this.#store,
      ports: this.#ports,
      owner,
      identity,
      source,
      config,
      codec,
      isRereadable: typeof extra.inputs === 'function',
      reuseFrom: await findReusable(this.#store, identity),
      closed: this.#closed,
      turn: async () => {
        await nextTurn(this.#ports.clock);
        this.#assertOpen();
      },
      replace: ifExists === 'restart' ? (id) => this.deleteTask(id) : undefined,
    };
    const made =
      source.type === 'dynamic' ? createDynamic(creation, source.id ?? '') : createDeterministic(creation);
    this.#creations.add(made);
    const result = await made
      .catch((error: unknown) => {
        this.#assertOpen();
        throw error;
      })
      .finally(() => this.#creations.delete(made));
    if (!result.created)
      await checkExisting(result.task, identity, codec !== undefined, (id, patch) =>
        this.#store.transitionTask(id, TASK_TRANSITIONS.start.from, patch, this.#ports.clock.now()),
      );
    const task = await this.#adopt(result, source, config);
    if (!result.created && ifExists === 'retry') {
      // A completed stream is read again, also when failed jobs make the task a paused one.
      const patch = { ingested: source.type !== 'dynamic' };
      await this.#store.transitionTask(task.id, ['completed'], patch, this.#ports.clock.now());
      await task.retryFailed();
    }
    return task;
  }

  /** The task with this id, or null. It has no source unless it is live in this hub. */
  async getTask<TInput = unknown, TOutput = unknown>(taskId: string): Promise<Task<TInput, TOutput> | null> {
    await this.#open();
    const record = await this.#store.readTask(taskId);
    if (record === null || record.status === 'ingesting') return null;
    return (await this.#adopt({ task: record })) as unknown as Task<TInput, TOutput>;
  }

  /**
   * A task of an earlier run with its source, to go on with `resume()`; null if there is none with this id.
   *
   * @param config - takes the place of what was stored, for this process
   */
  async resumeTask<TInput, TOutput>(
    taskId: string,
    source: TaskSourceLike<TInput, TOutput> | TaskDefinition<TInput, TOutput>,
    config: TaskConfig = {},
  ): Promise<Task<TInput, TOutput> | null> {
    const checkedConfig = checkOptions<TaskConfig>('config', config, OPTION_RULES.resumeTask);
    const own = readSource(source as AnySource | TaskDefinition<unknown, unknown>);
    const given = mergeConfig(own.config, checkedConfig);
    await this.#open();
    const record = await this.#store.readTask(taskId);
    if (record === null || record.status === 'ingesting') return null;
    checkSame(record, {
      type: own.source.type,
      codec: (given.codec ?? own.source.codec) !== undefined,
      ...(own.version !== undefined && { version: own.version }),
    });
    const task = await this.#adopt({ task: record }, own.source, given);
    return task as unknown as Task<TInput, TOutput>;
  }

  /** Tasks, newest first. */
  async listTasks(
    filter: { name?: string | undefined; status?: TaskStatus | undefined } = {},
  ): Promise<TaskMeta[]> {
    return this.#list(checkOptions('filter', filter, OPTION_RULES.listTasks));
  }

  /** The newest task with this Merkle root (hex), or null. */
  async findTaskByMerkleRoot(root: string): Promise<TaskMeta | null> {
    await this.#open();
    const { rows } = await this.#store.listTasks({ root, limit: 1 });
    return rows[0] === undefined ? null : metaOf(rows[0]);
  }

  /** Deletes a task with all its jobs; stops it first. @returns whether there was one */
  async deleteTask(taskId: string): Promise<boolean> {
    await this.#open();
    const live = this.#tasks.get(taskId);
    if (live === undefined) return this.#store.deleteTask(taskId);
    await live.destroy();
    return true;
  }

  /**
   * Puts the failed jobs of a task back as pending; see `task.retryFailed()`.
   *
   * @returns their number
   * @throws TaskHubError TASK_NOT_FOUND
   */
  async resetFailedJobs(taskId: string): Promise<number> {
    return (await this.#require(taskId)).retryFailed();
  }

  /**
   * Compares the data sets of two tasks.
   *
   * @returns the ids of jobs that only B has (`added`) and that only A has (`removed`), each in source order
   * @throws TaskHubError TASK_NOT_FOUND
   */
  async diff(
    idA: string,
    idB: string,
  ): Promise<{ added: AsyncIterableIterator<string>; removed: AsyncIterableIterator<string> }> {
    await this.#require(idA);
    await this.#require(idB);
    return { added: diffTasks(this.#store, idA, idB), removed: diffTasks(this.#store, idB, idA) };
  }

  /**
   * Counts how the data sets of two tasks differ. Reads both once, and needs about 24 bytes per job.
   *
   * @param options.key - which inputs are the same one changed: those with an equal key. Absent: none is
   * @throws TaskHubError TASK_NOT_FOUND, SOURCE_MISSING for keys of a task with a codec that is not live here
   */
  async compare(
    idA: string,
    idB: string,
    options: { key?: ((input: unknown) => string) | undefined } = {},
  ): Promise<TaskComparison> {
    const { key } = checkOptions<typeof options>('compare', options, OPTION_RULES.compare);
    const [a, b] = [await this.#require(idA), await this.#require(idB)];
    const keyed = (task: AnyTask): ComparedTask => ({
      id: task.id,
      ...(key && { keyOf: (input: string) => key(task.decode(input)) }),
    });
    return compareTasks(this.#store, keyed(a), keyed(b));
  }

  /** The whole database as the bytes of a SQLite file. @throws TaskHubError STORAGE_UNAVAILABLE for other stores */
  async exportDatabase(): Promise<Uint8Array> {
    await this.#open();
    if (this.#store.exportDatabase !== undefined) return this.#store.exportDatabase();
    throw new TaskHubError(
      'STORAGE_UNAVAILABLE',
      `The storage "${this.#store.name}" is not a SQLite database.`,
    );
  }

  /**
   * Stops all tasks as `task.stop()` does and closes the store. Idempotent. Tasks that other processes work on go on
   * there.
   *
   * @param options.grace - ms for which running handlers may go on, while none is started; those that have not ended
   *   then are told to stop. A later call may shorten it. 0 by default
   */
  async close(options: { grace?: number | undefined } = {}): Promise<void> {
    const { grace = 0 } = checkOptions<typeof options>('close', options, OPTION_RULES.close);
    if (this.#closing !== undefined) for (const task of this.#tasks.values()) void task.close(grace);
    this.#closing ??= this.#close(grace);
    return this.#closing;
  }

  /** Closes the hub: `await using hub = …`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // --- inside ---------------------------------------------------------------------------------------------------

  async #close(grace: number): Promise<void> {
    this.#rejectClosed(hubClosed());
    await this.#ready?.catch(() => undefined); // whoever opened it was told
    await Promise.allSettled(this.#creations); // they take back what is half done
    await Promise.all([...this.#tasks.values()].map((task) => task.close(grace)));
    await this.#store.close();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw hubClosed();
  }

  async #open(): Promise<Owner> {
    this.#assertOpen();
    this.#ready ??= this.#openStore().catch((error: unknown) => {
      this.#ready = undefined; // the next use tries again
      throw error;
    });
    const owner = await this.#ready;
    this.#assertOpen();
    return owner;
  }

  async #openStore(): Promise<Owner> {
    await this.#store.open();
    const owner = await Owner.of(this.#store, this.#ports, this.#leaseMs);
    // Tasks that a process was creating when it died.
    const { rows } = await this.#store.listTasks({ status: 'ingesting', limit: PAGE });
    for (const { id } of rows) {
      const owners = await this.#store.listOwners(id);
      const gone = await Promise.all(owners.map((other) => owner.isGone(other)));
      if (gone.every(Boolean)) await this.#store.deleteTask(id);
    }
    return owner;
  }

  async #require(taskId: string): Promise<AnyTask> {
    const task = await this.getTask(taskId);
    if (task !== null) return task;
    throw new TaskHubError(
      'TASK_NOT_FOUND',
      `There is no task ${taskId}. hub.listTasks() shows those there are.`,
      {
        details: { taskId },
      },
    );
  }

  /** The one live object of a task: made here, or given what is new. */
  async #adopt(
    { task: record, created, repeats }: Pick<Created, 'task'> & Partial<Created>,
    source?: AnySource,
    config: TaskConfig = {},
  ): Promise<AnyTask> {
    const owner = await this.#open();
    let task: AnyTask;
    do {
      task = this.#tasks.get(record.id) ?? new Task<unknown, unknown>(this.#taskHost(owner), record);
      this.#tasks.set(record.id, task);
      await task.refresh({ created, repeats });
    } while (this.#tasks.get(record.id) !== task); // it was one of a task that is gone
    if (source !== undefined) task.useWork(workWith(source, task.options, config));
    return task;
  }

  #taskHost(owner: Owner): TaskHost {
    return {
      store: this.#store,
      owner: owner.id,
      leaseMs: this.#leaseMs,
      ports: this.#ports,
      reclaim: (taskId) => owner.reclaim(taskId),
      workWith: (source, options) => workWith(checkSource(source), options, {}),
      forget: (taskId) => void this.#tasks.delete(taskId),
      assertOpen: () => this.#assertOpen(),
    };
  }

  async #list(query: Omit<TaskQuery, 'limit' | 'after'>): Promise<TaskMeta[]> {
    await this.#open();
    const tasks: TaskMeta[] = [];
    let after: number | null = null;
    do {
      const page = await this.#store.listTasks({ ...query, limit: PAGE, ...(after !== null && { after }) });
      tasks.push(...page.rows.map(metaOf));
      after = page.next;
    } while (after !== null);
    return tasks;
  }
}

function metaOf(record: TaskRecord): TaskMeta {
  const { id, name, status, root, counts, createdAt, updatedAt } = record;
  const { type, version } = readOptions(record.options);
  return {
    id,
    name,
    type,
    // Tasks that are being ingested are not listed.
    status: status as TaskStatus,
    merkleRoot: root,
    version,
    totalJobs: counts.total,
    completedJobs: counts.completed,
    failedJobs: counts.failed,
    createdAt,
    updatedAt,
  };
}

function hubClosed(): TaskHubError {
  return new TaskHubError('HUB_CLOSED', 'The hub is closed. Create a new one to go on.');
}
