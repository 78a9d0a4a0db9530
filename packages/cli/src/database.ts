// The database of the tasks: opened for a run, or to look into what another process does.
import { existsSync } from 'node:fs';
import {
  BunSQLiteAdapter,
  createTaskHub,
  type Hub,
  NodeSQLiteAdapter,
  type StorageAdapter,
  type TaskMeta,
} from '@shelchin/taskhub';
import { UsageError } from './usage-error.js';

export const DEFAULT_DB = 'taskhub.db';

/** A hub and the store under it. */
export interface Database {
  path: string;
  hub: Hub;
  store: StorageAdapter;
}

/** Opens a database; it is made if it is not there. */
export async function openDatabase(path: string): Promise<Database> {
  const store = 'Bun' in globalThis ? new BunSQLiteAdapter(path) : new NodeSQLiteAdapter(path);
  return { path, hub: await createTaskHub({ storage: store }), store };
}

/** Opens a database that is there, for `use`, and closes it. */
export async function withDatabase<T>(path: string, use: (database: Database) => Promise<T>): Promise<T> {
  if (!existsSync(path)) {
    throw new UsageError(`There is no database ${path}.`, [
      'Pass --db FILE, or go to the folder where the run was started.',
    ]);
  }
  const database = await openDatabase(path);
  try {
    return await use(database);
  } finally {
    await database.hub.close();
  }
}

/**
 * The task that a name, an id or the beginning of an id means; of one name, the newest.
 *
 * @param text - undefined means the newest task of all
 */
export async function findTask({ hub, path }: Database, text?: string): Promise<TaskMeta> {
  const tasks = await hub.listTasks();
  const byName = tasks.find((task) => text === undefined || task.name === text || task.id === text);
  if (byName !== undefined) return byName;
  const byId =
    text !== undefined && /^[0-9a-f]{4,}$/.test(text) ? tasks.filter((task) => task.id.startsWith(text)) : [];
  if (byId.length > 1) throw new UsageError(`${byId.length} tasks have ids that begin with ${text}.`);
  if (byId[0] !== undefined) return byId[0];
  if (text === undefined) throw new UsageError(`There is no task in ${path}.`);
  const names = [...new Set(tasks.map((task) => task.name))];
  throw new UsageError(
    `There is no task ${text} in ${path}.`,
    names.length > 0 ? [`There are: ${names.slice(0, 20).join(', ')}.`] : [],
  );
}
