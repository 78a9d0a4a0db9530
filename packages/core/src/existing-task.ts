// A task that is there already: what of it may be gone on with, and what of it is reused.
import { TaskHubError } from './errors.js';
import type { StorageAdapter, TaskPatch, TaskRecord } from './storage/contract.js';
import { readOptions, type StoredOptions } from './stored-options.js';
import type { TaskIdentityConfig } from './types.js';

/** Tasks that are looked at in one call of the store. */
const PAGE = 500;

/** Id of the task whose results are copied: the named one, or the newest of the name with the same version. */
export async function findReusable(
  store: StorageAdapter,
  { name, version, reuse }: TaskIdentityConfig,
): Promise<string | null> {
  if (reuse === undefined || reuse === false) return null;
  const known = typeof reuse === 'string' ? await store.readTask(reuse) : await newest(store, name, version);
  if (typeof reuse === 'string' && known === null) {
    throw new TaskHubError('TASK_NOT_FOUND', `There is no task ${reuse} to reuse results of.`, {
      details: { reuse },
    });
  }
  return known !== null && readOptions(known.options).version === (version ?? null) ? known.id : null;
}

async function newest(
  store: StorageAdapter,
  name: string,
  version: string | undefined,
): Promise<TaskRecord | null> {
  let after: number | null = null;
  do {
    const page = await store.listTasks({ name, limit: PAGE, ...(after !== null && { after }) });
    const same = page.rows.find((row) => readOptions(row.options).version === (version ?? null));
    if (same !== undefined) return same;
    after = page.next;
  } while (after !== null);
  return null;
}

/**
 * Whether a task that is there already may be gone on with.
 *
 * @param write - writes the new version, if `reuse` allows one
 * @throws TaskHubError TASK_EXISTS, SOURCE_MISMATCH
 */
export async function checkExisting(
  task: TaskRecord,
  identity: TaskIdentityConfig,
  codec: boolean,
  write: (id: string, patch: TaskPatch) => Promise<unknown>,
): Promise<void> {
  const { ifExists, version, reuse } = identity;
  if (ifExists === 'error') {
    throw new TaskHubError(
      'TASK_EXISTS',
      `Task "${task.name}" with this data is there already (${task.id}). Leave ifExists out to resume it.`,
      { details: { taskId: task.id } },
    );
  }
  checkSame(task, { codec });
  const stored = readOptions(task.options);
  if (version === undefined || version === stored.version) return;
  // The id of another task says what to copy, and nothing about this one.
  if (reuse !== true && reuse !== task.id) {
    throw new TaskHubError(
      'SOURCE_MISMATCH',
      `Cannot create task "${task.name}": version "${version}" differs from the stored ` +
        `${stored.version === null ? 'one, which has none' : `"${stored.version}"`}. Pass ifExists: 'restart' to ` +
        'run it all again, or reuse: true to keep what is finished.',
      { details: { taskId: task.id, stored: stored.version, given: version } },
    );
  }
  const options = JSON.stringify({ ...stored, version } satisfies StoredOptions);
  await write(task.id, { options });
}

/** @throws TaskHubError SOURCE_MISMATCH when a task was stored for another kind of source */
export function checkSame(
  task: TaskRecord,
  given: Partial<Pick<StoredOptions, 'type' | 'codec' | 'version'>>,
): void {
  const stored = readOptions(task.options);
  const keys = ['type', 'codec', 'version'] as const;
  const wrong = keys.find((key) => key in given && given[key] !== stored[key]);
  if (wrong === undefined) return;
  throw new TaskHubError(
    'SOURCE_MISMATCH',
    `Task "${task.name}" was stored with ${wrong}: ${stored[wrong]}, and this source has ${wrong}: ${given[wrong]}.`,
    { details: { taskId: task.id, stored: stored[wrong], given: given[wrong] } },
  );
}
