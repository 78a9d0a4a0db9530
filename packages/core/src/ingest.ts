// From a source into the store: every input is encoded and hashed once, and written in batches.
import { encodeInput } from './canonical-json.js';
import { type Clock, nextTurn } from './clock.js';
import { invalid } from './config.js';
import { TaskHubError } from './errors.js';
import { toError } from './failure.js';
import { jobHash, keyHash, occurrenceHash, occurrenceKey } from './identity.js';
import { type Sha256, toHex } from './sha256.js';
import type { InputReader } from './source.js';
import type { InsertResult, JobCounts, NewJob, StorageAdapter } from './storage/contract.js';
import type { Codec, TaskIdentityConfig, TaskSourceLike } from './types.js';

/** Jobs per insert, and characters of input after which a batch is written although it has fewer. */
const BATCH_JOBS = 1000;
const BATCH_CHARS = 1 << 22;

/** What decides the identity of the jobs of a task. */
export interface EncoderOptions<TInput> {
  source: Pick<TaskSourceLike<TInput, unknown>, 'getJobId'>;
  codec: Codec | undefined;
  duplicates: NonNullable<TaskIdentityConfig['duplicates']>;
  hash: Sha256 | undefined;
}

/** Turns the inputs of one reading of a source, in order, into jobs to insert. */
export class JobEncoder<TInput> {
  readonly #options: EncoderOptions<TInput>;
  // With duplicates 'run', how often each id was there: about 150 bytes per distinct input.
  readonly #occurrences = new Map<string, number>();
  readonly #known: ((index: number) => Uint8Array) | undefined;
  #index = 0;

  /** @param known - the hashes of an earlier reading of the same inputs, which are not calculated again then */
  constructor(options: EncoderOptions<TInput>, known?: (index: number) => Uint8Array) {
    this.#options = options;
    this.#known = known;
  }

  /** @throws TaskHubError INPUT_NOT_SERIALIZABLE, INVALID_CONFIG with the index of the input */
  encode(input: TInput): NewJob {
    const { source, codec, hash } = this.#options;
    const index = this.#index++;
    const { canonical, text } =
      codec === undefined ? encodeInput(input, `inputs[${index}]`) : encodeWith(codec, input, index);
    const key = source.getJobId === undefined ? null : this.#keyOf(source.getJobId(input), index);
    const known = this.#known?.(index);
    if (known !== undefined) return { seq: index + 1, hash: known, key, input: text };
    const own = key === null ? jobHash(canonical, hash) : keyHash(key, hash);
    const job: NewJob = { seq: index + 1, hash: own, key, input: text };
    return this.#options.duplicates === 'run' ? this.#numbered(job, canonical) : job;
  }

  /** The canonical text of a stored input, to compare what two texts say. */
  canonical(text: string): string {
    return this.#options.codec === undefined ? encodeInput(JSON.parse(text), 'input').canonical : text;
  }

  #keyOf(key: unknown, index: number): string {
    if (typeof key === 'string' && key !== '') return key;
    throw invalid(
      `getJobId must return a text that is not empty; for inputs[${index}] it gave ${String(key)}.`,
      {
        index,
      },
    );
  }

  #numbered(job: NewJob, canonical: string): NewJob {
    const id = idOf(job);
    const occurrence = (this.#occurrences.get(id) ?? 0) + 1;
    this.#occurrences.set(id, occurrence);
    if (occurrence === 1) return job;
    const { hash } = this.#options;
    if (job.key === null) return { ...job, hash: occurrenceHash(canonical, occurrence, hash) };
    const key = occurrenceKey(job.key, occurrence);
    return { ...job, key, hash: keyHash(key, hash) };
  }
}

function encodeWith(codec: Codec, input: unknown, index: number): { canonical: string; text: string } {
  let text: unknown;
  try {
    text = codec.encode(input);
  } catch (cause) {
    throw new TaskHubError('INPUT_NOT_SERIALIZABLE', `codec.encode threw for inputs[${index}].`, {
      details: { index },
      cause,
    });
  }
  if (typeof text === 'string') return { canonical: text, text };
  throw new TaskHubError(
    'INPUT_NOT_SERIALIZABLE',
    `codec.encode must return a text; for inputs[${index}] it gave ${typeof text}.`,
    { details: { index } },
  );
}

/** The public id of a job. */
export function idOf(job: { hash: Uint8Array; key: string | null }): string {
  return job.key ?? toHex(job.hash);
}

/** What one reading of a source works with. */
export interface IngestOptions<TInput> {
  store: StorageAdapter;
  taskId: string;
  /** `no` of the task, where another one may get its id meanwhile. */
  no?: number | undefined;
  clock: Clock;
  encoder: JobEncoder<TInput>;
  duplicates: NonNullable<TaskIdentityConfig['duplicates']>;
  /** `lastSeq` of the task before this reading: jobs up to it are known from an earlier one. */
  knownUpTo: number;
  /** How many jobs these are. */
  knownJobs: number;
  /** How many inputs may be read now, at least 1; waits until some may. Absent: no bound. */
  room?: () => Promise<number>;
  /** Called after each batch. */
  inserted?: (counts: JobCounts) => void;
  /** Called for each job as it is encoded. */
  encoded?: (job: NewJob) => void;
}

/** Writes one reading of a source into a task. */
export class Ingest<TInput> {
  readonly #options: IngestOptions<TInput>;
  #batch: NewJob[] = [];
  #chars = 0;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;
  #fail: (error: unknown) => void = () => undefined;
  #stopped = false;
  /** Jobs in the task as far as this reading knows. */
  #total: number;
  /** Another process reads the same stream: which of us brought a job cannot be told, and is no repeat. */
  #isShared = false;
  // Which of the known jobs this reading has met: the second meeting is a repeat.
  readonly #met: Uint8Array;

  /** Inputs that became no job because this reading had met them before. */
  repeats = 0;

  constructor(options: IngestOptions<TInput>) {
    this.#options = options;
    this.#total = options.knownJobs;
    this.#met = new Uint8Array(Math.ceil((options.knownUpTo + 1) / 8));
  }

  /**
   * Reads to the end, writing as it goes. A batch is written when it is full and whenever the source makes us wait.
   *
   * @param last - whether the store is told that the source has ended
   * @returns whether the end was reached; false after `stop()`
   * @throws TaskHubError SOURCE_FAILED when the source threw; what was read before is in the store
   */
  async read(reader: InputReader<TInput>, last: boolean): Promise<boolean> {
    try {
      return await this.#readAll(reader, last);
    } catch (error) {
      this.#flush(false);
      await this.#writing;
      throw sourceFailed(error);
    }
  }

  /** Makes `read` return false as soon as the source answers. Resolves when nothing is being written any more. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#batch = [];
    return this.#writing;
  }

  async #readAll(reader: InputReader<TInput>, last: boolean): Promise<boolean> {
    const { clock } = this.#options;
    const room = this.#options.room ?? (() => Promise.resolve(Number.POSITIVE_INFINITY));
    for (let left = await room(); !this.#stopped; left -= 1) {
      if (this.#batch.length >= BATCH_JOBS || this.#chars >= BATCH_CHARS || left === 0) {
        await this.#write(false);
        // The source and a synchronous store may both answer without ever leaving this turn of the event loop.
        await nextTurn(clock);
      }
      if (left === 0) left = await room();
      if (this.#failure !== undefined) throw this.#failure;
      let step = reader.next();
      if ('then' in step) step = await this.#answer(step);
      if (this.#stopped) break;
      if (step.done === true) {
        await this.#write(last);
        return true;
      }
      this.#push(step.value);
    }
    return false;
  }

  /** What the source answers. Rejects when a batch cannot be written meanwhile: the source may wait for its jobs. */
  #answer(step: PromiseLike<IteratorResult<TInput>>): Promise<IteratorResult<TInput>> {
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      step.then(resolve, reject);
    });
  }

  #push(input: TInput): void {
    const job = this.#options.encoder.encode(input);
    this.#options.encoded?.(job);
    this.#batch.push(job);
    this.#chars += job.input.length;
    if (this.#batch.length > 1) return;
    // If this batch is not full at the end of the turn, the source makes us wait: what is there can run meanwhile.
    const batch = this.#batch;
    this.#options.clock.turn(() => {
      if (this.#batch === batch) this.#flush(false);
    });
  }

  async #write(last: boolean): Promise<void> {
    this.#flush(last);
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  // One batch after the other. A failure is kept for the reader, so that no promise is left alone.
  #flush(last: boolean): void {
    const batch = this.#batch;
    if (batch.length === 0 && !last) return;
    this.#batch = [];
    this.#chars = 0;
    this.#writing = this.#writing
      .then(() => (this.#failure === undefined ? this.#insert(batch, last) : undefined))
      .catch((error: unknown) => {
        this.#failure ??= error;
        this.#fail(error);
      });
  }

  async #insert(batch: NewJob[], last: boolean): Promise<void> {
    const { store, taskId, no, clock, inserted } = this.#options;
    const result = await store.insertJobs(taskId, batch, { now: clock.now(), last, no });
    this.#isShared ||= result.counts.total !== this.#total + result.inserted;
    this.#total = result.counts.total;
    for (const duplicate of result.duplicates) {
      const job = batch[duplicate.at];
      if (job !== undefined && !this.#isFirstMeeting(duplicate.seq)) await this.#repeat(job, duplicate);
    }
    inserted?.(result.counts);
  }

  #isFirstMeeting(seq: number): boolean {
    if (seq > this.#options.knownUpTo) return this.#isShared;
    const bit = 1 << (seq & 7);
    const byte = this.#met[seq >> 3] ?? 0;
    this.#met[seq >> 3] = byte | bit;
    return (byte & bit) === 0;
  }

  async #repeat(job: NewJob, { seq, sameInput }: InsertResult['duplicates'][number]): Promise<void> {
    const indexes = [seq - 1, job.seq - 1] as const;
    if (job.key !== null && !sameInput && !(await this.#saysTheSame(job, seq))) {
      throw idConflict(job.key, ...indexes);
    }
    if (this.#options.duplicates === 'error') throw duplicateInput(...indexes);
    this.repeats += 1;
  }

  async #saysTheSame(job: NewJob, seq: number): Promise<boolean> {
    const { store, taskId, encoder } = this.#options;
    const { rows } = await store.readJobs(taskId, { after: seq - 1, limit: 1 });
    return rows[0] !== undefined && encoder.canonical(rows[0].input) === encoder.canonical(job.input);
  }
}

/** @returns the error for an input that is in the source twice */
export function duplicateInput(first: number, second: number): TaskHubError {
  return new TaskHubError(
    'DUPLICATE_INPUT',
    `inputs[${second}] is the same as inputs[${first}]. Remove it, or pass duplicates: 'skip' or 'run'.`,
    { details: { indexes: [first, second] } },
  );
}

function idConflict(id: string, first: number, second: number): TaskHubError {
  return new TaskHubError(
    'JOB_ID_CONFLICT',
    `getJobId gave "${id}" for inputs[${first}] and for inputs[${second}], which differ. Ids must be unique.`,
    { details: { id, indexes: [first, second] } },
  );
}

/** @returns the error for a source that threw; an error of ours is passed on as it is */
export function sourceFailed(cause: unknown): TaskHubError {
  if (cause instanceof TaskHubError) return cause;
  const reason = toError(cause).message;
  const message = `The source failed while it was read: ${reason}. Mend it, then start again.`;
  return new TaskHubError('SOURCE_FAILED', message, { cause });
}
