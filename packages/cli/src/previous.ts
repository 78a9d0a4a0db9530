// What there is of a task from earlier runs, and whether this run may go on with it.
import type { Hub, Task, TaskComparison, TaskMeta } from '@shelchin/taskhub';
import { UsageError } from './usage-error.js';

/** The version that a run is made under, and the task whose results it keeps. */
export interface Previous {
  version: string | undefined;
  /** The newest task of the name; its results are kept for inputs that did not change. */
  newest: TaskMeta | undefined;
}

/**
 * Looks for the newest task of a name.
 *
 * @param version - of the job; undefined means that of the newest task, if there is one
 * @throws UsageError when the newest task has another version, with the choices
 */
export async function findPrevious(hub: Hub, name: string, version: string | undefined): Promise<Previous> {
  const [newest] = await hub.listTasks({ name });
  if (newest === undefined || version === undefined) {
    return { version: version ?? newest?.version ?? undefined, newest };
  }
  if (newest.version !== version) throw otherVersion(version, newest.version);
  return { version, newest };
}

/** The choices that there are when results were made by another version of the job. */
export function otherVersion(given: string, stored: string | null): UsageError {
  const what = stored === null ? 'without a version' : `by version ${stored}`;
  const keep = stored === null ? 'leave the version out' : `--version ${stored}`;
  return new UsageError(
    `The results that are there were made ${what}, and the job now has version ${given}.`,
    [
      `To run everything again under version ${given}:       --fresh`,
      `To keep what is done, and run only the rest:  ${keep}`,
      'To leave the old results alone:               --db another.db',
    ],
  );
}

/** Inputs with an equal value of `field` are the same row; those without it are known by all they hold. */
export function keyOf(field: string): (input: unknown) => string {
  return (input) => {
    const isObject = typeof input === 'object' && input !== null && Object.hasOwn(input, field);
    const key: unknown = isObject ? (input as { [name: string]: unknown })[field] : undefined;
    return key === undefined ? `input ${JSON.stringify(input)}` : `key ${JSON.stringify(key)}`;
  };
}

/** How the data of a new task differs from that of the one before. */
export function compare(
  hub: Hub,
  previous: Pick<TaskMeta, 'id'>,
  task: Pick<Task, 'id'>,
  key: string | undefined,
): Promise<TaskComparison> {
  return hub.compare(previous.id, task.id, key === undefined ? {} : { key: keyOf(key) });
}
