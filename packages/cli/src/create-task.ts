// The rows of an input become a task, or find the one that has them.
import { isTaskHubError, type Task, type TaskDefinition } from '@shelchin/taskhub';
import type { Database } from './database.js';
import type { Input } from './input/input.js';
import type { Rejects } from './input/rejects.js';
import { otherVersion } from './previous.js';
import type { Schema } from './schema.js';
import type { Terminal } from './terminal.js';
import { plural } from './text.js';
import { UsageError } from './usage-error.js';
import { openView, pictureOfText } from './view/view.js';

/** The rows of a run. */
export interface Rows {
  /** There may be a task that has them. */
  mayBeKnown?: boolean;
  /** undefined: `getData()` of the job. */
  input: Input | undefined;
  rejects: Rejects;
  schema: Schema | undefined;
}

/**
 * Reads all rows and creates the task, showing how far the reading is.
 *
 * @throws UsageError when rows cannot be used, or the task is there with another version
 */
export async function createTask(
  { hub }: Database,
  definition: TaskDefinition<unknown, unknown>,
  { input, rejects, schema, mayBeKnown = false }: Rows,
  terminal: Terminal,
): Promise<Task> {
  // Read once more if they are new; if not, nothing is written.
  const isReread = mayBeKnown && input?.isRereadable === true;
  const inputs = isReread ? () => input.read(rejects, schema) : input?.read(rejects, schema);
  // Of rows that the job gives itself, the engine says which the schema refuses.
  const whole = { ...definition, input: inputs === undefined ? schema : undefined };
  return whileReading(input, terminal, () => hub.createTask(whole, inputs && { inputs }));
}

/** Shows how far the reading of an input is, until `work` is done. */
export async function whileReading<T>(
  input: Input | undefined,
  terminal: Terminal,
  work: () => Promise<T>,
): Promise<T> {
  const view = openView(
    terminal,
    pictureOfText(() => readingText(input)),
  );
  try {
    return await work();
  } catch (error) {
    throw usageErrorIn(error) ?? error;
  } finally {
    view.end();
  }
}

/** What the user has to mend, where the engine says so. */
function usageErrorIn(error: unknown): UsageError | undefined {
  // What the input threw comes as the cause of SOURCE_FAILED.
  if (isTaskHubError(error, 'SOURCE_FAILED') && error.cause instanceof UsageError) return error.cause;
  if (!isTaskHubError(error, 'SOURCE_MISMATCH')) return undefined;
  const { stored, given } = error.details;
  if (typeof given !== 'string' || (stored !== null && typeof stored !== 'string')) return undefined;
  return otherVersion(given, stored);
}

function readingText(input: Input | undefined): string {
  if (input === undefined) return 'reading the data';
  const { rows, share } = input.progress;
  return `reading ${input.name}: ${plural(rows, 'row')}${share === null ? '' : ` (${Math.floor(share * 100)} %)`}`;
}
