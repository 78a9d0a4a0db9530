// A task to look into, without its handler.
import type { Task, TaskMeta } from '@shelchin/taskhub';
import type { Database } from '../database.js';
import { UsageError } from '../usage-error.js';

export async function taskOf({ hub }: Database, meta: TaskMeta): Promise<Task> {
  const task = await hub.getTask(meta.id);
  if (task === null) throw new UsageError(`The task ${meta.name} was deleted meanwhile.`);
  return task;
}
