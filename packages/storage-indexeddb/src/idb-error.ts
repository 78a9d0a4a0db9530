// What the errors of IndexedDB mean: name of the exception → our code, and what the user can do.
import { type ErrorCode, isTaskHubError, TaskHubError } from '@taskhub/core';

const MEANINGS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  QuotaExceededError: [
    'STORAGE_FULL',
    'The quota of this site is full: "$name" cannot grow. Free some space, then resume: what was recorded is kept.',
  ],
  SecurityError: [
    'STORAGE_UNAVAILABLE',
    'The browser does not let this page use IndexedDB ("$name"). Allow site data, leave private mode, or give a frame `allow-same-origin`.',
  ],
};

/** The error that the user sees; one of ours is passed on as it is. */
export function storageError(error: unknown, name: string): TaskHubError {
  if (isTaskHubError(error)) return error;
  const [code, says] = MEANINGS[nameOf(error)] ?? [
    'STORAGE_FAILED',
    'IndexedDB failed on "$name". What was recorded before is kept; the cause says more.',
  ];
  return withCause(code, says, name, error);
}

/** The same for an error on the way to an open database, where fewer things can be the cause. */
export function openError(error: unknown, name: string): TaskHubError {
  if (isTaskHubError(error) || nameOf(error) in MEANINGS) return storageError(error, name);
  const says =
    'The browser cannot open the IndexedDB database "$name". It may be private mode, blocked site data or a damaged profile; the cause says more.';
  return withCause('STORAGE_UNAVAILABLE', says, name, error);
}

/** The name of an exception, which is what tells one of the browser from another. */
export function nameOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : '';
}

function withCause(code: ErrorCode, says: string, name: string, cause: unknown): TaskHubError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const message = `${says.replaceAll('$name', () => name)} (${said})`;
  return new TaskHubError(code, message, { details: { database: name }, cause });
}
