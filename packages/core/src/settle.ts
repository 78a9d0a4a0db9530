// A verdict in the words of the store, of the controller, and of the listeners.
import { failureText } from './failure.js';
import type { Verdict } from './judge.js';
import type { Feedback } from './limit/controller.js';
import type { Outcome, RunningJob } from './run-job.js';
import type { ClaimedJob, JobRecord, Settlement } from './storage/contract.js';

/** What the store is told of a judged job. */
export function settlementOf(
  seq: number,
  verdict: Verdict,
  { startedAt, endedAt, ran }: { startedAt: number; endedAt: number; ran: boolean },
): Settlement {
  // Written out: V8 takes 1 µs to add a property to a spread.
  switch (verdict.kind) {
    case 'completed':
      return { seq, startedAt, endedAt, outcome: 'completed', output: verdict.output };
    case 'failed': {
      const [error, attempt] = [failureText(verdict.error), attemptOf(verdict, ran)];
      return { seq, startedAt, endedAt, outcome: 'failed', error, attempt };
    }
    case 'retry': {
      const dueAt = endedAt + verdict.delay;
      return { seq, startedAt, endedAt, outcome: 'retry', error: failureText(verdict.error), dueAt };
    }
    case 'throttled': {
      // Due since it was started: before all that fell due later, so first in line.
      const dueAt = verdict.hint === undefined ? startedAt : endedAt + verdict.hint;
      return { seq, startedAt, endedAt, outcome: 'throttled', error: failureText(verdict.error), dueAt };
    }
    default:
      return { seq, startedAt, endedAt, outcome: 'interrupted', dueAt: endedAt };
  }
}

function attemptOf(
  verdict: Extract<Verdict, { kind: 'failed' }>,
  ran: boolean,
): 'spent' | 'refused' | 'unused' {
  if (!ran) return 'unused';
  return verdict.refused === undefined ? 'spent' : 'refused';
}

/** What the controller is told of a judged job. */
export function feedbackOf(job: RunningJob, outcome: Outcome, verdict: Verdict, inFlight: number): Feedback {
  const { sentAt, level } = job;
  const refused = verdict.kind === 'throttled' ? verdict : verdict.kind === 'failed' && verdict.refused;
  if (refused) return { sentAt, level, inFlight, kind: 'refused', hint: refused.hint };
  if (outcome.kind === 'returned') return { sentAt, level, inFlight, kind: 'ok' };
  return { sentAt, level, inFlight, kind: outcome.kind === 'timeout' ? 'timeout' : 'failed' };
}

/** The job as it is in the store after a settlement, or while it runs. */
export function recordOf(claimed: ClaimedJob, now: Settlement | Pick<RunningJob, 'startedAt'>): JobRecord {
  const record: JobRecord = {
    ...claimed,
    status: 'active',
    startedAt: now.startedAt,
    endedAt: null,
    dueAt: null,
    output: null,
  };
  if (!('outcome' in now)) return record;
  const { outcome, endedAt } = now;
  if (outcome === 'completed')
    return { ...record, status: 'completed', endedAt, output: now.output, error: null };
  const refused = outcome === 'throttled' || (outcome === 'failed' && now.attempt === 'refused');
  const throttles = record.throttles + (refused ? 1 : 0);
  if (outcome === 'failed') {
    const attempts = record.attempts - (now.attempt === 'unused' ? 1 : 0);
    return { ...record, status: 'failed', attempts, throttles, endedAt, error: now.error };
  }
  const error = outcome === 'interrupted' ? record.error : now.error;
  return { ...record, status: 'pending', throttles, dueAt: now.dueAt, startedAt: null, error };
}
