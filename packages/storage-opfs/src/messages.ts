// What goes between a page and its worker, and between the workers of several tabs.
import { type ErrorCode, isTaskHubError, type StorageAdapter, TaskHubError } from '@taskhub/core';
import type { Durability } from '@taskhub/storage-sqlite';

/** The calls of the contract that need an open store, as OPFS has them: `exportDatabase` is one. */
export type Calls = Required<
  Omit<StorageAdapter, 'name' | 'capabilities' | 'liveness' | 'turns' | 'sha256' | 'open' | 'close'>
>;
export type Method = keyof Calls;

/** What a worker is told when it opens the store. */
export interface StoreConfig {
  database: string;
  durability: Durability;
  /** Absolute; null = beside the worker. */
  wasmUrl: string | null;
}

/** A call on its way from a page to its worker. */
export type PageCall = { id: number } & (
  | { method: Method; args: unknown[] }
  | { method: 'open'; args: [StoreConfig] }
  | { method: 'close'; args: [] }
);

/** What became of a call. */
export type Outcome = { value: unknown } | { error: SentError };

/** The first message of a worker: its script has run. */
export const READY = 'ready';

/** An error as plain data. */
export interface SentError {
  code: ErrorCode;
  message: string;
  details: Readonly<Record<string, unknown>>;
  cause: { name: string; message: string } | null;
}

/** What an awaited call came to, as it is sent. */
export async function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await call };
  } catch (error) {
    return { error: pack(error) };
  }
}

/** The value of a sent outcome. @throws the sent error */
export function openOutcome(outcome: Outcome): unknown {
  if ('error' in outcome) throw unpack(outcome.error);
  return outcome.value;
}

/** An error as plain data; one that is not ours becomes STORAGE_FAILED. */
export function pack(error: unknown): SentError {
  if (!isTaskHubError(error)) {
    return { code: 'STORAGE_FAILED', message: textOf(error).message, details: {}, cause: textOf(error) };
  }
  const { code, message, details, cause } = error;
  return { code, message, details, cause: cause === undefined ? null : textOf(cause) };
}

function unpack({ code, message, details, cause }: SentError): TaskHubError {
  if (cause === null) return new TaskHubError(code, message, { details });
  const behind = Object.assign(new Error(cause.message), { name: cause.name });
  return new TaskHubError(code, message, { details, cause: behind });
}

function textOf(error: unknown): { name: string; message: string } {
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: 'Error', message: String(error) };
}
