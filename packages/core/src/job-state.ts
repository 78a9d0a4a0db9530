// Which event leads a job from which status to which, and what it does to the counters. `docs/state-machine.md` is
// printed from this, and the conformance suite holds every store to it.
import type { Settlement } from './storage/contract.js';
import type { JobStatus } from './types.js';

interface JobTransition {
  readonly from: JobStatus;
  readonly to: JobStatus;
  /** Change of `attempts`; `zero` sets all counters to 0. */
  readonly attempts: 1 | 0 | -1 | 'zero';
  readonly throttles: 1 | 0;
  readonly crashes: 1 | 0;
  /** When it happens, a phrase for the documentation. */
  readonly when: string;
}

/** What changes the status of a job: a claim, an outcome, a death, a reset. */
export type JobEvent = 'claim' | Settlement['outcome'] | 'crashed' | 'reset';

/** Every change of a job's status. */
export const JOB_TRANSITIONS: Readonly<Record<JobEvent, JobTransition>> = {
  claim: {
    from: 'pending',
    to: 'active',
    attempts: 1,
    throttles: 0,
    crashes: 0,
    when: 'a slot is free and the job is due',
  },
  completed: {
    from: 'active',
    to: 'completed',
    attempts: 0,
    throttles: 0,
    crashes: 0,
    when: 'the handler returned',
  },
  failed: {
    from: 'active',
    to: 'failed',
    attempts: 0,
    throttles: 0,
    crashes: 0,
    when: 'the error is not retryable, or the retry budget is spent',
  },
  retry: {
    from: 'active',
    to: 'pending',
    attempts: 0,
    throttles: 0,
    crashes: 0,
    when: 'the error is retryable: due again after the backoff',
  },
  throttled: {
    from: 'active',
    to: 'pending',
    attempts: 0,
    throttles: 1,
    crashes: 0,
    when: 'the server refused: first in line again, no retry budget spent',
  },
  interrupted: {
    from: 'active',
    to: 'pending',
    attempts: -1,
    throttles: 0,
    crashes: 0,
    when: 'stopped, closed or halted: the attempt is given back',
  },
  crashed: {
    from: 'active',
    to: 'pending',
    attempts: 0,
    throttles: 0,
    crashes: 1,
    when: 'its process died, or its lease passed: the attempt stays spent',
  },
  reset: {
    from: 'failed',
    to: 'pending',
    attempts: 'zero',
    throttles: 0,
    crashes: 0,
    when: '`resetFailedJobs` or `retryFailed`',
  },
};
