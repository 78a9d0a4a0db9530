// Tasks and jobs that the tests arrange with, in a page or not.
import { type ErrorCode, isTaskHubError, type NewJob, type NewTask, type TaskHubError } from '@taskhub/core';

/** When every test begins, ms since 1970. */
export const T0 = 1_700_000_000_000;

/** An empty, visible task. */
export function newTask(id: string, over: Partial<NewTask> = {}): NewTask {
  const task = { name: id, status: 'idle', options: '{}', reuseFrom: null, owner: 'ann' } as const;
  return { id, ...task, leaseUntil: T0 + 30_000, now: T0, ...over };
}

/** A job with a hash of its own. */
export function newJob(seq: number, input = `{"n":${seq}}`): NewJob {
  const hash = new Uint8Array(32);
  const words = new DataView(hash.buffer);
  for (let word = 0; word < 8; word += 1) words.setUint32(word * 4, Math.imul(seq * 8 + word, 0x9e3779b1));
  return { seq, hash, key: null, input };
}

/** The jobs `from` to `to`, both included. */
export function newJobs(from: number, to: number): NewJob[] {
  return Array.from({ length: to - from + 1 }, (_, at) => newJob(from + at));
}

/** The error with which a promise rejects; it must be one of ours with this code. */
export async function rejection(promise: Promise<unknown>, code: ErrorCode): Promise<TaskHubError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isTaskHubError(error, code)) throw new Error(`no ${code} but ${String(error)}`, { cause: error });
  return error;
}

/** Numbers from 0 to 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}
