// Failures of a kind: what many errors have in common, counted.
import type { FailedJob, JobFailure } from '@shelchin/taskhub';
import { fit, oneLine } from './text.js';

/** Kinds that are told apart; what comes after them is counted together. */
const MOST_KINDS = 50;
export const OTHER_KINDS = 'other kinds';

export interface FailureKind {
  kind: string;
  count: number;
  /** The first failure of the kind: its row, from 1, and its message. */
  row: number;
  message: string;
}

/** `HTTP_ERROR 404`, `ECONNRESET`, `TypeError`: code and status, else the name. */
export function labelOf({ name, code, status }: JobFailure): string {
  return [code ?? name, status].filter((part) => part !== undefined).join(' ');
}

/** The label; without code and status, with the message as well, whose numbers are left out. */
export function kindOf(failure: JobFailure): string {
  const { message, code, status } = failure;
  if (code !== undefined || status !== undefined) return labelOf(failure);
  return fit(`${labelOf(failure)}: ${oneLine(message).replaceAll(/\d+/g, 'N')}`, 60);
}

export class FailureKinds {
  readonly #kinds = new Map<string, FailureKind>();
  total = 0;

  add({ failure, index }: Pick<FailedJob, 'failure' | 'index'>): void {
    this.total += 1;
    const kind = kindOf(failure);
    const known = this.#kinds.get(kind) ?? (this.#kinds.size >= MOST_KINDS ? this.#other() : undefined);
    if (known !== undefined) known.count += 1;
    else this.#kinds.set(kind, { kind, count: 1, row: index + 1, message: oneLine(failure.message) });
  }

  /** The most frequent first. */
  list(): FailureKind[] {
    return [...this.#kinds.values()].sort((a, b) => b.count - a.count);
  }

  #other(): FailureKind {
    const other = this.#kinds.get(OTHER_KINDS) ?? { kind: OTHER_KINDS, count: 0, row: 0, message: '' };
    this.#kinds.set(OTHER_KINDS, other);
    return other;
  }
}
