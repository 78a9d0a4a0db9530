// Which jobs the page of this worker knows to hold: what it claimed and has not settled, for a call that is repeated.
import type { Exchange, ExchangeResult } from '@taskhub/core';
import type { Method } from './messages.js';

/** Follows the exchanges of one page. */
export class HeldJobs {
  readonly #held = new Map<string, Set<number>>();

  /** Places of the jobs that the owner of this call holds in its task; empty for any call but `exchange`. */
  before(method: Method, args: readonly unknown[]): number[] {
    return method === 'exchange' ? [...(this.#held.get(keyOf(args)) ?? [])] : [];
  }

  /** Learns from a call that was answered. */
  after(method: Method, args: readonly unknown[], value: unknown): void {
    const key = keyOf(args);
    if (method === 'releaseJobs') this.#held.delete(key);
    if (method !== 'exchange') return;
    const { settle } = args[1] as Exchange;
    const { claimed, status } = value as ExchangeResult;
    const held = (status !== null && this.#held.get(key)) || new Set(); // null: the task is gone
    for (const { seq } of settle) held.delete(seq);
    for (const { seq } of claimed) held.add(seq);
    if (held.size > 0) this.#held.set(key, held);
    else this.#held.delete(key);
  }
}

/** `exchange` and `releaseJobs` both take the task first, and then an object with the owner. */
function keyOf([taskId, second]: readonly unknown[]): string {
  return JSON.stringify([taskId, (second as { owner?: unknown } | undefined)?.owner]);
}
