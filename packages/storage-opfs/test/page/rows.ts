// Values for a test: a task, jobs, an error.
import { type ErrorCode, isTaskHubError, type NewJob, type NewTask, type TaskHubError } from '@taskhub/core';

export const T0 = 1_700_000_000_000;

export function newTask(id: string): NewTask {
  return {
    id,
    name: id,
    status: 'idle',
    options: '{}',
    reuseFrom: null,
    owner: 'ann',
    leaseUntil: T0 + 30_000,
    now: T0,
  };
}

export function newJobs(first: number, last: number): NewJob[] {
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const seq = first + at;
    const hash = new Uint8Array(32);
    new DataView(hash.buffer).setUint32(0, Math.imul(seq, 0x9e3779b1));
    new DataView(hash.buffer).setUint32(4, seq);
    return { seq, hash, key: null, input: `{"n":${seq}}` };
  });
}

/** Waits for a rejection with this code. */
export async function rejection(promise: Promise<unknown>, code: ErrorCode): Promise<TaskHubError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isTaskHubError(error, code)) throw new Error(`no ${code} but ${String(error)}`, { cause: error });
  return error;
}
