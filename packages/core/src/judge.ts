// What becomes of a job when its handler has ended: a pure decision over the outcome, the counters and the rules.
import { backoff } from './backoff.js';
import { encodeOutput } from './canonical-json.js';
import { isRateLimitedByDefault, isRetryableByDefault } from './classify.js';
import type { RunConfig } from './config.js';
import { TaskHubError } from './errors.js';
import { toError } from './failure.js';
import { MAX_HINT, retryAfterHint } from './hints.js';
import type { Outcome } from './run-job.js';
import type { Codec, TaskSourceLike } from './types.js';

/** The decision. `delay` and `hint` are ms from now. */
export type Verdict =
  | { kind: 'completed'; output: string | null }
  /** `refused`: by the server, once too often. */
  | { kind: 'failed'; error: Error; refused?: { hint: number | undefined } }
  | { kind: 'retry'; error: Error; delay: number }
  | { kind: 'throttled'; error: Error; hint: number | undefined }
  | { kind: 'interrupted' }
  /** The whole run is to end: the job is given back. */
  | { kind: 'fatal'; error: Error };

/** What a decision depends on. */
export interface Rules {
  source: Pick<TaskSourceLike<never, unknown>, 'isRetryable' | 'isRateLimited' | 'retryAfter'>;
  codec: Codec | undefined;
  config: Pick<RunConfig, 'retry' | 'halt'>;
  random: () => number;
  /** Wall time, for hints that are dates. */
  now: number;
  /** Told what a predicate threw; the default rule decides then. */
  report: (error: unknown, where: string) => void;
}

/** @param job - counters with this attempt included */
export function judge(outcome: Outcome, job: { attempts: number; throttles: number }, rules: Rules): Verdict {
  if (outcome.kind === 'interrupted') return outcome;
  const returned = outcome.kind === 'returned' ? judgeValue(outcome.value, rules.codec) : undefined;
  if (returned?.kind === 'completed') return returned;

  const { source, config, now, report } = rules;
  const thrown = outcome.kind === 'returned' ? returned?.error : outcome.error;
  const error = toError(thrown);
  /** The user's rule; the default one where there is none, or where it throws or answers with a promise. */
  const ask = <T>(where: string, own: ((error: unknown) => T) | undefined, byDefault: () => T): T => {
    if (own === undefined) return byDefault();
    try {
      const answer = own(thrown);
      if (!isPromise(answer)) return answer;
      answer.then(
        () => report(new TypeError('it must answer at once, not with a promise'), where),
        (problem) => report(problem, where),
      );
    } catch (problem) {
      report(problem, where);
    }
    return byDefault();
  };

  if (ask<unknown>('halt.when', config.halt.when, () => false)) return { kind: 'fatal', error };
  if (returned !== undefined) return returned;
  const hint = (): number | undefined => {
    const byDefault = (): number | undefined => retryAfterHint(thrown, now);
    const ms = Math.ceil(
      Number(ask('retryAfter', source.retryAfter?.bind(source), byDefault) ?? byDefault()),
    );
    return ms > 0 ? Math.min(ms, MAX_HINT) : undefined;
  };
  if (
    ask<unknown>('isRateLimited', source.isRateLimited?.bind(source), () => isRateLimitedByDefault(thrown))
  ) {
    const { maxThrottles } = config.retry;
    const refused = { hint: hint() };
    if (job.throttles + 1 < maxThrottles) return { kind: 'throttled', error, ...refused };
    const message = `The server refused this job ${maxThrottles} times (maxThrottles): ${error.message}`;
    return {
      kind: 'failed',
      error: new TaskHubError('JOB_THROTTLED', message, { details: { maxThrottles }, cause: error }),
      refused,
    };
  }
  const isRetryable = ask<unknown>('isRetryable', source.isRetryable?.bind(source), () =>
    isRetryableByDefault(thrown),
  );
  const spent = job.attempts - job.throttles;
  if (!isRetryable || spent >= config.retry.maxAttempts) return { kind: 'failed', error };
  const delay = Math.max(backoff(spent, config.retry, rules.random), hint() ?? 0);
  return { kind: 'retry', error, delay };
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

function judgeValue(
  value: unknown,
  codec: Codec | undefined,
): Extract<Verdict, { kind: 'completed' | 'failed' }> {
  try {
    if (codec === undefined) return { kind: 'completed', output: encodeOutput(value) };
    const output: unknown = value === undefined ? null : codec.encode(value);
    if (output === null || typeof output === 'string') return { kind: 'completed', output };
    throw new TaskHubError(
      'OUTPUT_NOT_SERIALIZABLE',
      `codec.encode must return a text, not ${typeof output}.`,
    );
  } catch (cause) {
    const error =
      cause instanceof TaskHubError
        ? cause
        : new TaskHubError('OUTPUT_NOT_SERIALIZABLE', 'codec.encode threw for the output.', { cause });
    return { kind: 'failed', error };
  }
}
