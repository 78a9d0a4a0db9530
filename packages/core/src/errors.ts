// Every error code with its sentence, and the one error class. `docs/errors.md` is printed from this table.

/**
 * Every code of a {@link TaskHubError} and what it says. Codes change only in a major version. Nothing uses the
 * sentences at run time: bundles do not contain them.
 */
export const ERROR_CODES = {
  INVALID_CONFIG: 'An option has a name or value that cannot be used; the message says which is allowed.',
  INPUT_NOT_SERIALIZABLE: 'An input holds something that JSON would lose. Convert it, or pass `codec`.',
  OUTPUT_NOT_SERIALIZABLE: 'A handler returned something that JSON cannot hold. Convert it, or pass `codec`.',
  INPUT_INVALID: 'An input is not what the schema `input` of the task says; `details.issues` tells where.',
  OUTPUT_INVALID:
    'A handler returned what the schema `output` of the task does not take; the job has failed.',
  JOB_ID_CONFLICT: '`getJobId` gave the same id for two different inputs of one source.',
  DUPLICATE_INPUT: "The source holds the same input twice and `duplicates: 'error'` was asked for.",
  TASK_EXISTS: "The task is there already and `ifExists: 'error'` was asked for.",
  TASK_NOT_FOUND: 'No task has this id.',
  TASK_DELETED: 'The task was deleted while it was in use.',
  SOURCE_MISSING: 'The task has no source in this process. Use `hub.resumeTask(id, source)`.',
  SOURCE_MISMATCH: 'The task was stored under another `version` or by another source.',
  SOURCE_FAILED: '`getData()` threw, gave nothing that can be iterated, or cannot be read again.',
  HUB_CLOSED: 'The hub was closed. Create a new one.',
  HALTED: 'The run was ended by the `halt` option.',
  HANDLERS_STUCK: 'Handlers that ignore their signal have held every slot for 60 s.',
  JOB_TIMEOUT: 'A handler did not end within `timeout`. Retryable.',
  JOB_INTERRUPTED: 'The reason of the signal of a job that was stopped. It goes back to pending.',
  JOB_POISONED: 'The process died during this job `maxCrashes` times; it is not run again by itself.',
  JOB_THROTTLED: 'The server refused this job `maxThrottles` times.',
  HTTP_ERROR: 'An HTTP answer that is not ok; see `status`.',
  LISTENER_FAILED: 'A listener or a predicate of the source threw; the cause is what it threw.',
  STORAGE_UNAVAILABLE: 'The storage cannot be used here; the message says why and what to install.',
  STORAGE_NOT_FOUND: 'The folder or file of the database is not there.',
  STORAGE_READ_ONLY: 'The database cannot be written.',
  STORAGE_FOREIGN: 'The file is not a TaskHub database. It was left as it is.',
  STORAGE_CORRUPT: 'The database file is damaged. It was left as it is.',
  STORAGE_FULL: 'The disk or the quota is full. Free some space, then resume.',
  STORAGE_BUSY: 'Another program held the database locked for too long.',
  STORAGE_FAILED: 'The storage failed; the cause says how.',
  SCHEMA_TOO_NEW: 'The database was written by a newer version of TaskHub. It was left as it is.',
} as const;

/** A code of the table {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

const BRAND = Symbol.for('taskhub.error');

/**
 * Every error that TaskHub itself raises.
 *
 * `code` is one of {@link ErrorCode}; `details` holds the values of the message as plain data; `cause` is the
 * error behind it, where there is one.
 */
export class TaskHubError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: Record<string, unknown> | undefined; cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'TaskHubError';
    this.code = code;
    this.details = options.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/**
 * Whether `error` is a {@link TaskHubError}, of any copy of the package, and has the code if one is given.
 *
 * @example
 * try { await task.start(); } catch (error) { if (isTaskHubError(error, 'STORAGE_FULL')) freeSpace(); }
 */
export function isTaskHubError(error: unknown, code?: ErrorCode): error is TaskHubError {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false;
  return code === undefined || (error as unknown as TaskHubError).code === code;
}
