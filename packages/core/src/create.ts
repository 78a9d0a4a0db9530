// Creation of a task: its data set is read, gets its root and with it its id. Atomic to an observer: until the root is
// known the task is stored as `ingesting` under a provisional id, which nobody sees.
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
  /** `getData()` gives the same data for another reading. */
  isRereadable: boolean;
  reuseFrom: string | null;
  /** Rejects when the hub is closed. */
  closed: Promise<never>;
  /** Lets the event loop go on. Rejects when the hub is closed. */
  turn: () => Promise<void>;
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
  const inserted = await store.insertTask(newTask(creation, id, 'idle'));
  return { ...inserted, repeats: inserted.task.duplicates };
}

/**
 * Creates a deterministic task, or finds the one with the same name and data.
 *
 * @throws TaskHubError SOURCE_FAILED and the errors of unusable inputs; nothing is left behind then
 */
export async function createDeterministic(creation: Creation): Promise<Created> {
  const { source, closed, owner } = creation;
  try {
    const given = await Promise.race([source.getData(), closed]);
    // An array can be read twice, and the copy does not change meanwhile: its root comes first, and a known data set
    // is not written at all.
    const data: SourceData<unknown> = Array.isArray(given) ? given.slice() : given;
    const known = Array.isArray(data) ? await identifyArray(creation, data) : undefined;
    if (known !== undefined) {
      await creation.replace?.(known.id);
      const task = await creation.store.readTask(known.id);
      // Repeats of an id that the source gave may be different inputs: the store compares them.
      const isClear = source.getJobId === undefined || known.repeats === 0;
      if (task !== null && isClear) return { task, created: false, repeats: known.repeats };
    }
    if (known === undefined && creation.isRereadable && creation.replace === undefined) {
      const found = await Promise.race([findTask(creation, data), closed]);
      if (found !== null) return found;
      const again = await Promise.race([source.getData(), closed]);
      return await owner.whileLeased(store(creation, again, undefined));
    }
    return await owner.whileLeased(store(creation, data, known));
  } catch (error) {
    throw sourceFailed(error);
  }
}

/** What a data set is called, once all of it was seen. */
interface Identified {
  root: string;
  id: string;
}

async function identifyArray(
  creation: Creation,
  data: readonly unknown[],
): Promise<Identified & { repeats: number; hashAt: ((index: number) => Uint8Array) | undefined }> {
  const { turn, identity } = creation;
  const encoder = encoderOf(creation);
  const ids = new DataSetIds();
  for (let index = 0; index < data.length; index++) {
    ids.add(encoder.encode(data[index]));
    if (index % 1000 === 999) await turn();
  }
  const { unique, firstRepeat, ...identified } = await ids.identify(creation);
  checkRepeats(identity, firstRepeat);
  // Repeats that run get their ids anew: each depends on those before it.
  const hashAt = identity.duplicates === 'run' ? undefined : (index: number) => ids.hashAt(index);
  return { ...identified, repeats: data.length - unique, hashAt };
}

/** The task that has this data; null when there is none, or only the store can tell. Writes nothing. */
async function findTask(creation: Creation, data: SourceData<unknown>): Promise<Created | null> {
  const { turn, identity, source } = creation;
  const encoder = encoderOf(creation);
  const ids = new DataSetIds();
  const reader = readerOf(data);
  let count = 0;
  try {
    for (;;) {
      const answer = reader.next();
      const step = 'then' in answer ? await answer : answer;
      if (step.done === true) break;
      ids.add(encoder.encode(step.value));
      count += 1;
      if (count % 1000 === 0) await turn();
    }
  } catch (error) {
    reader.close();
    throw error;
  }
  const { id, unique, firstRepeat } = await ids.identify(creation);
  checkRepeats(identity, firstRepeat);
  const task = source.getJobId === undefined || unique === count ? await creation.store.readTask(id) : null;
  return task && { task, created: false, repeats: count - unique };
}

function checkRepeats(
  { duplicates }: TaskIdentityConfig,
  firstRepeat: { index: number; of: number } | null,
): void {
  if (duplicates === 'error' && firstRepeat !== null) throw duplicateInput(firstRepeat.of, firstRepeat.index);
}

async function store(
  creation: Creation,
  data: SourceData<unknown>,
  known: Awaited<ReturnType<typeof identifyArray>> | undefined,
): Promise<Created> {
  const { store, ports, identity, closed, replace } = creation;
  const provisional = `ingesting:${nonce(ports)}`;
  const ids = new DataSetIds();
  const ingest = new Ingest({
    store,
    taskId: provisional,
    clock: ports.clock,
    encoder: encoderOf(creation, known?.hashAt),
    duplicates: identity.duplicates ?? 'skip',
    knownUpTo: 0,
    knownJobs: 0,
    ...(known === undefined && { encoded: (job: NewJob) => ids.add(job) }),
  });
  try {
    await store.insertTask(newTask(creation, provisional, 'ingesting'));
    const reader = readerOf(data);
    try {
      await Promise.race([ingest.read(reader, false), closed]);
    } catch (error) {
      await ingest.stop();
      reader.close();
      throw error;
    }
    const { root, id } = known ?? (await ids.identify(creation));
    if (known === undefined) await replace?.(id);
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

function encoderOf(creation: Creation, hashAt?: (index: number) => Uint8Array): JobEncoder<unknown> {
  const { source, codec, identity, store } = creation;
  const { duplicates = 'skip' } = identity;
  return new JobEncoder({ source, codec, duplicates, hash: store.sha256 }, hashAt);
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

  hashAt(index: number): Uint8Array {
    return this.#hashes.at(index);
  }

  async identify({ turn, store, identity }: Creation): Promise<
    Identified & {
      unique: number;
      firstRepeat: { index: number; of: number } | null;
    }
  > {
    const options = { turn, hash: store.sha256 };
    const { root, unique, firstRepeat } = await this.#hashes.root(options);
    const given = this.#keys.length > 0 ? await computeMerkleRoot(this.#keys, options) : undefined;
    const hex = given ?? toHex(root);
    return { root: hex, id: await generateTaskId(identity.name, hex), unique, firstRepeat };
  }
}
