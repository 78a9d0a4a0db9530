// One call of the handler: started, timed, interrupted; its outcome is a value.
import type { Clock, Timer } from './clock.js';
import { TaskHubError } from './errors.js';
import type { HandlerContext } from './job-context.js';
import type { ClaimedJob } from './storage/contract.js';

/** How a call ended. `interrupted`: it was told to stop and obeyed, or did not end within the grace. */
export type Outcome =
  | { kind: 'returned'; value: unknown }
  | { kind: 'thrown'; error: unknown }
  | { kind: 'timeout'; error: TaskHubError }
  | { kind: 'interrupted' };

/** What a call is made with. */
export interface JobCall {
  claimed: ClaimedJob;
  context: HandlerContext;
  clock: Clock;
  /** Calls the user's handler. */
  call: () => unknown;
  /** ms, Infinity for none. */
  timeout: number;
  /** Calls in flight when this one was sent, itself included. */
  level: number;
  /** Called exactly once, when the job is judged: the handler ended, or it timed out, or it was given up. */
  ended: (job: RunningJob, outcome: Outcome) => void;
  /** Called exactly once, when the handler has really returned: only then is its slot free. Before `ended` if both. */
  returned: (job: RunningJob) => void;
}

/** A handler that has been called. It is *judged* once its outcome is known, and *deaf* while it runs on after that. */
export class RunningJob {
  /** The newest claim of the job: it may have been lost and claimed again while the handler ran. */
  claimed: ClaimedJob;
  readonly level: number;
  /** Wall time, for the record. */
  readonly startedAt: number;
  /** Monotonic time, for the controller. */
  readonly sentAt: number;
  #judged = false;
  #interrupted = false;
  #timer: Timer;
  readonly #call: JobCall;

  constructor(call: JobCall) {
    this.#call = call;
    this.claimed = call.claimed;
    this.level = call.level;
    this.startedAt = call.clock.now();
    this.sentAt = call.clock.monotonic();
  }

  /** Calls the handler. Whatever it does, `ended` and `returned` are called, never an exception thrown. */
  start(): void {
    const { call, timeout, clock } = this.#call;
    if (timeout !== Number.POSITIVE_INFINITY) this.#timer = clock.setTimeout(() => this.#timedOut(), timeout);
    let result: unknown;
    try {
      result = call();
      if (typeof (result as PromiseLike<unknown> | null | undefined)?.then === 'function') {
        Promise.resolve(result).then(
          (value) => this.#returned({ kind: 'returned', value }),
          (error: unknown) => this.#returned({ kind: 'thrown', error }),
        );
        return;
      }
    } catch (error) {
      this.#returned({ kind: 'thrown', error });
      return;
    }
    this.#returned({ kind: 'returned', value: result });
  }

  /** Aborts the signal. A handler that rejects from now on was interrupted; one that returns has its result. */
  interrupt(reason: TaskHubError): void {
    if (this.#judged || this.#interrupted) return;
    this.#interrupted = true;
    this.#call.context.abort(reason);
  }

  /** Judges a handler that did not obey its signal as interrupted, without waiting for it any longer. */
  abandon(): void {
    this.#judge({ kind: 'interrupted' });
  }

  #timedOut(): void {
    if (this.#judged) return;
    const { timeout, context } = this.#call;
    const error = new TaskHubError(
      'JOB_TIMEOUT',
      `The handler did not end within ${timeout} ms. Pass ctx.signal on to what it waits for, or raise \`timeout\`.`,
      { details: { timeout } },
    );
    this.#judge(this.#interrupted ? { kind: 'interrupted' } : { kind: 'timeout', error });
    context.abort(error);
  }

  #returned(outcome: Outcome): void {
    this.#call.returned(this);
    this.#judge(this.#interrupted && outcome.kind === 'thrown' ? { kind: 'interrupted' } : outcome);
  }

  #judge(outcome: Outcome): void {
    if (this.#judged) return;
    this.#judged = true;
    this.#call.clock.clearTimeout(this.#timer);
    this.#call.ended(this, outcome);
  }
}
