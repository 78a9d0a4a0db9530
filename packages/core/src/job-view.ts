// From a stored job to what users see of it.

import { TaskHubError } from './errors.js';
import { idOf } from './ingest.js';
import type { JobRecord } from './storage/contract.js';
import type { Codec, Job, JobFailure } from './types.js';

/** Reads the jobs of one task. */
export class JobReader {
  readonly #taskId: string;
  readonly #createdAt: number;
  readonly #codec: () => Codec | undefined;
  readonly #needsCodec: boolean;

  /** @param needsCodec - whether the task was stored with a codec */
  constructor(task: { id: string; createdAt: number; needsCodec: boolean }, codec: () => Codec | undefined) {
    this.#taskId = task.id;
    this.#createdAt = task.createdAt;
    this.#needsCodec = task.needsCodec;
    this.#codec = codec;
  }

  /**
   * The value of a stored text.
   *
   * @throws TaskHubError SOURCE_MISSING when only the codec of the source can read it
   */
  decode(text: string): unknown {
    const codec = this.#codec();
    if (codec !== undefined) return codec.decode(text);
    if (!this.#needsCodec) return JSON.parse(text);
    throw new TaskHubError(
      'SOURCE_MISSING',
      `Task ${this.#taskId} was stored with a codec. Use hub.resumeTask(id, source) with a source that has it.`,
      { details: { taskId: this.#taskId } },
    );
  }

  /** A copy of the job as users see it. */
  view(record: JobRecord): Job {
    const failure = record.error === null ? undefined : (JSON.parse(record.error) as JobFailure);
    const base = {
      id: idOf(record),
      taskId: this.#taskId,
      index: record.seq - 1,
      input: this.decode(record.input),
      attempts: record.attempts,
      throttles: record.throttles,
      createdAt: this.#createdAt,
      startedAt: record.startedAt ?? undefined,
      completedAt: record.endedAt ?? undefined,
      scheduledAt: record.dueAt ?? undefined,
    };
    switch (record.status) {
      case 'completed': {
        const output = record.output === null ? undefined : this.decode(record.output);
        return { ...base, status: 'completed', output, error: undefined, failure: undefined };
      }
      case 'failed': {
        const known = failure ?? { name: 'Error', message: '' };
        return { ...base, status: 'failed', output: undefined, error: known.message, failure: known };
      }
      default:
        return { ...base, status: record.status, output: undefined, error: failure?.message, failure };
    }
  }
}
