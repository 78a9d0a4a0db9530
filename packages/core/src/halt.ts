// The `halt` option: after how many failures a run is ended.
import { TaskHubError } from './errors.js';
import type { HaltConfig } from './types.js';

/** Watches what the jobs of one run came to. */
export class HaltWatch {
  #failures = 0;
  #settled = 0;
  /** Whether each of the last `failureRate.of` settled jobs failed. */
  #recent: boolean[] = [];

  /** Counts a settled job. @returns the reason to end the run, if this is one */
  settled(failed: boolean, { failures, firstFailures, failureRate }: HaltConfig): TaskHubError | undefined {
    this.#settled += 1;
    if (failed) this.#failures += 1;
    if (failures !== undefined && this.#failures >= failures) {
      return halted(`${this.#failures} jobs failed for good (halt.failures)`, { failures });
    }
    if (this.#settled === firstFailures && this.#failures === firstFailures) {
      return halted(`the first ${firstFailures} jobs all failed for good (halt.firstFailures)`, {
        firstFailures,
      });
    }
    if (failureRate === undefined) return undefined;
    const { rate, of } = failureRate;
    this.#recent.push(failed);
    if (this.#recent.length > of) this.#recent.shift();
    const share = this.#recent.filter(Boolean).length / of;
    if (this.#recent.length < of || share < rate) return undefined;
    return halted(`${Math.round(share * 100)} % of the last ${of} jobs failed (halt.failureRate)`, {
      rate,
      of,
      share,
    });
  }
}

/** @returns the error that ends a run */
export function halted(reason: string, details: Record<string, unknown>, cause?: Error): TaskHubError {
  return new TaskHubError(
    'HALTED',
    `The run was halted: ${reason}. Pending jobs stay pending; mend the cause, then start() again.`,
    { details, ...(cause && { cause }) },
  );
}
