// Jobs and settlements as values; no test runner, so that a worker process can use them as well.
import { createHash } from 'node:crypto';
import type { NewJob, Settlement } from '@taskhub/core';

export const NOW = 1_700_000_000_000;

export function newJobs(first: number, last: number): NewJob[] {
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const seq = first + at;
    return { seq, hash: hashOf(String(seq)), key: null, input: `{"n":${seq}}` };
  });
}

export function hashOf(text: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(text).digest());
}

export function completed(seq: number): Settlement {
  return { seq, startedAt: NOW, endedAt: NOW + 1, outcome: 'completed', output: `"out ${seq}"` };
}

export function failed(seq: number): Settlement {
  return {
    seq,
    startedAt: NOW,
    endedAt: NOW + 1,
    outcome: 'failed',
    error: `"err ${seq}"`,
    attempt: 'spent',
  };
}
