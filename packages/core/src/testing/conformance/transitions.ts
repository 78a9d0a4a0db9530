// The table of `job-state.ts`: where each event leads, and that it moves no job of another status.
import { JOB_TRANSITIONS, type JobEvent } from '../../job-state.js';
import type { Settlement, StorageAdapter } from '../../storage/contract.js';
import type { JobStatus } from '../../types.js';
import {
  allJobs,
  claim,
  completed,
  failed,
  givenTask,
  interrupted,
  LEASE,
  retry,
  settle,
  T0,
  throttled,
} from './fixtures.js';
import type { Suite, World } from './suite.js';

const STATUSES: readonly JobStatus[] = ['pending', 'active', 'completed', 'failed'];
const SEQS = [1, 2, 3, 4];
const LATER = T0 + 1_000;

/** The job of `STATUSES[at]` is at `seq` at + 1. Each has died once, was refused once, and claimed twice or more. */
async function givenEveryStatus(store: StorageAdapter): Promise<void> {
  await givenTask(store, 't', SEQS.length);
  await claim(store, 't', 4);
  await store.releaseJobs('t', { owner: 'ann', crashed: true }, T0);
  await claim(store, 't', 4);
  const refused = SEQS.map((seq) => throttled(seq, T0));
  await claim(store, 't', 4, { settle: refused });
  await settle(store, 't', [retry(1, LATER), completed(3), failed(4)]);
}

/** Jobs by place: status and counters; crashes are told by a claim alone. */
async function jobsOf(store: StorageAdapter): Promise<[JobStatus, number, number][]> {
  return (await allJobs(store, 't')).map(({ status, attempts, throttles }) => [status, attempts, throttles]);
}

async function happen(event: JobEvent, store: StorageAdapter): Promise<void> {
  const settleAll = (settlement: (seq: number) => Settlement): Promise<unknown> =>
    settle(store, 't', SEQS.map(settlement));
  const events: Record<JobEvent, () => Promise<unknown>> = {
    claim: () => claim(store, 't', 4, { now: LATER }),
    completed: () => settleAll((seq) => completed(seq)),
    failed: () => settleAll((seq) => failed(seq)),
    retry: () => settleAll((seq) => retry(seq, LATER)),
    throttled: () => settleAll((seq) => throttled(seq, LATER)),
    interrupted: () => settleAll((seq) => interrupted(seq, LATER)),
    crashed: () => store.releaseJobs('t', { owner: 'ann', crashed: true }, LATER),
    reset: () => store.resetFailed('t', 4, LATER),
  };
  await events[event]();
}

async function check(event: JobEvent, { store, equal }: World): Promise<void> {
  const { from, to, attempts, throttles, crashes } = JOB_TRANSITIONS[event];
  await givenEveryStatus(store);
  const before = await jobsOf(store);
  equal(
    before.map(([status]) => status),
    STATUSES,
  );
  await happen(event, store);
  const changed = before.map(([status, tried, refused]) => {
    if (status !== from) return [status, tried, refused];
    return attempts === 'zero' ? [to, 0, throttles] : [to, tried + attempts, refused + throttles];
  });
  equal(await jobsOf(store), changed);

  if (to !== 'pending') return;
  const { claimed } = await claim(store, 't', 4, { owner: 'bob', now: LATER + LEASE / 2 });
  const moved = claimed.find(({ seq }) => seq === STATUSES.indexOf(from) + 1);
  equal(moved?.crashes, (attempts === 'zero' ? 0 : 1) + crashes);
}

/** Every event moves the jobs that the table says, as it says. */
export function transitionCases({ spec }: Suite): void {
  for (const event of Object.keys(JOB_TRANSITIONS) as JobEvent[]) {
    const { from, to } = JOB_TRANSITIONS[event];
    spec(`job states: "${event}" leads from ${from} to ${to}, and moves no other job`, (world) =>
      check(event, world),
    );
  }
}
