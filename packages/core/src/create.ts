// Creation of a task: its data set is read, gets its root and with it its id. Atomic to an observer: until the root is
// known the task is stored as `ingesting` under a provisional id, which nobody sees.
import { nextTurn } from './clock.js';
import { HashList } from './hash-list.js';
import { dynamicTaskId, generateTaskId } from './identity.js';
import { duplicateInput, Ingest, JobEncoder, sourceFailed } from './ingest.js';
import { computeMerkleRoot } from './merkle.js';
import { nonce, type Owner } from './owner.js';
import type { Ports } from './ports.js';
import { toHex } from './sha256.js';
import { readerOf } from './source.js';
import type { NewJob, NewTask, StorageAdapter, TaskRecord } from './storage/contract.js';
import { writeOptions } from './stored-options.js';
import type { Codec, SourceData, TaskConfig, TaskIdentityConfig, TaskSourceLike } from './types.js';

/** What a creation works with. */
export interface Creation {
  store: StorageAdapter;
  ports: Ports;
  owner: Owner;
  identity: TaskIdentityConfig;
  source: TaskSourceLike<unknown, unknown>;
  config: TaskConfig;
  codec: Codec | undefined;
  reuseFrom: string | null;
  /** Rejects when the hub is closed. */
  closed: Promise<never>;
  /** Deletes the task with the id of this one before it is created (`ifExists: 'restart'`). */
  replace: ((id: string) => Promise<unknown>) | undefined;
}

/** A task, whether this call made it, and how many inputs were repeats in this reading. */
export interface Created {
  task: TaskRecord;
  created: boolean;
  repeats: number;
}

/** Creates a dynamic task. Its source is read when it runs. */
export async function createDynamic(creation: Creation, sourceId: string): Promise<Created> {
  const { store, identity, replace } = creation;
  const id = dynamicTaskId(identity.name, sourceId);
  await replace?.(id);
  return { ...(await store.insertTask(newTask(creation, id, 'idle'))), repeats: 0 };
}

/**
 * Creates a deterministic task, or finds the one with the same name and data.
 *
 * @throws TaskHubError SOURCE_FAILED and the errors of unusable inputs; nothing is left behind then
 */
export async function createDeterministic(creation: Creation): Promise<Created> {
  const { source, closed, owner } = creation;
  let data: SourceData<unknown>;
  try {
    data = await Promise.race([source.getData(), closed]);
  } catch (error) {
    throw sourceFailed(error);
  }
  // An array can be read twice: its root comes first, and a known data set is not written at all.
  if (Array.isArray(data)) {
    const found = await Promise.race([findArray(creation, data), closed]);
    if (found !== null) return found;
  }
  return owner.whileLeased(store(creation, data));
}

async function findArray(creation: Creation, data: readonly unknown[]): Promise<Created | null> {
  const { ports, identity, replace } = creation;
  const encoder = encoderOf(creation);
  const ids = new DataSetIds();
  for (let index = 0; index < data.length; index++) {
    ids.add(encoder.encode(data[index]));
    if (index % 1000 === 999) await nextTurn(ports.clock);
  }
  const { root, unique, firstRepeat } = await ids.root(ports);
  if (identity.duplicates === 'error' && firstRepeat !== null) {
    throw duplicateInput(firstRepeat.of, firstRepeat.index);
  }
  const id = await generateTaskId(identity.name, root);
  await replace?.(id);
  const task = await creation.store.readTask(id);
  return task === null ? null : { task, created: false, repeats: data.length - unique };
}

async function store(creation: Creation, data: SourceData<unknown>): Promise<Created> {
  const { store, ports, identity, closed, replace } = creation;
  const provisional = `ingesting:${nonce(ports)}`;
  const ids = new DataSetIds();
  const ingest = new Ingest({
    store,
    taskId: provisional,
    clock: ports.clock,
    encoder: encoderOf(creation),
    duplicates: identity.duplicates ?? 'skip',
    knownUpTo: 0,
    encoded: (job) => ids.add(job),
  });
  await store.insertTask(newTask(creation, provisional, 'ingesting'));
  try {
    const reader = openReader(data);
    try {
      await Promise.race([ingest.read(reader, false), closed]);
    } catch (error) {
      ingest.stop();
      reader.close();
      throw error;
    }
    const { root } = await Promise.race([ids.root(ports), closed]);
    const id = await generateTaskId(identity.name, root);
    await replace?.(id);
    const { repeats } = ingest;
    const published = await store.publishTask(
      provisional,
      { id, root, duplicates: repeats },
      ports.clock.now(),
    );
    return { ...published, repeats };
  } catch (error) {
    // If this fails as well, whoever opens the store next finds that the owner of the provisional task is gone.
    await store.deleteTask(provisional).catch(() => undefined);
    throw error;
  }
}

function openReader(data: SourceData<unknown>): ReturnType<typeof readerOf> {
  try {
    return readerOf(data);
  } catch (error) {
    throw sourceFailed(error);
  }
}

function encoderOf({ source, codec, identity }: Creation): JobEncoder<unknown> {
  return new JobEncoder({ source, codec, duplicates: identity.duplicates ?? 'skip' });
}

function newTask(creation: Creation, id: string, status: NewTask['status']): NewTask {
  const { ports, owner, identity, source, config, codec, reuseFrom } = creation;
  const { version, duplicates } = identity;
  return {
    id,
    name: identity.name,
    status,
    options: writeOptions({ type: source.type, version, duplicates, codec, config }),
    reuseFrom,
    owner: owner.id,
    leaseUntil: owner.leaseUntil,
    now: ports.clock.now(),
  };
}

/** The ids of one data set as they come, and the root over them. */
class DataSetIds {
  readonly #hashes = new HashList();
  /** Ids that the source gave itself; otherwise the hashes are the ids. */
  readonly #keys: string[] = [];

  add({ hash, key }: NewJob): void {
    this.#hashes.push(hash);
    if (key !== null) this.#keys.push(key);
  }

  async root({ clock }: Ports): Promise<{
    root: string;
    unique: number;
    firstRepeat: { index: number; of: number } | null;
  }> {
    const turn = (): Promise<void> => nextTurn(clock);
    const { root, unique, firstRepeat } = await this.#hashes.root({ turn });
    const given = this.#keys.length > 0 ? await computeMerkleRoot(this.#keys, { turn }) : undefined;
    return { root: given ?? toHex(root), unique, firstRepeat };
  }
}
