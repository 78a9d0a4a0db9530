// The jobs that most benchmarks run: they do nothing, their inputs have 92 bytes, 50 run at once.

import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createTaskHub, defineTask, type Hub, type TaskConfig, type TaskHubConfig } from '@shelchin/taskhub';
import { type Figures, perJob } from './measure.ts';

export const CONCURRENCY = 50;

export interface Input {
  id: string;
  url: string;
}

/** An input of 92 bytes as JSON. */
export function inputOf(number: number): Input {
  const id = String(number).padStart(8, '0');
  return { id, url: `https://api.example.com/v1/customers/records/${id}?fields=names` };
}

export function* inputs(jobs: number): Generator<Input> {
  for (let i = 0; i < jobs; i++) yield inputOf(i);
}

/** `max` jobs at once, decided by the default controller: it begins there and nothing makes it decrease. */
export const atOnce = (jobs: number, algorithm?: 'aimd' | 'adaptive'): Pick<TaskConfig, 'concurrency'> => ({
  concurrency: { max: jobs, initial: jobs, ...(algorithm && { algorithm }) },
});

/** The SQLite that is measured in this runtime. better-sqlite3 is compiled for one version of Node. */
export function sqlite(): NonNullable<TaskHubConfig['storage']> {
  if (process.versions.bun !== undefined) return 'bun-sqlite';
  return hasBetterSqlite3() ? 'better-sqlite3' : 'node-sqlite';
}

export function hasBetterSqlite3(): boolean {
  if (process.versions.bun !== undefined) return false;
  try {
    const Database = createRequire(import.meta.url)('better-sqlite3') as typeof import('better-sqlite3');
    new Database(':memory:').close();
    return true;
  } catch {
    return false;
  }
}

export const needsBetterSqlite3 = (): string | undefined =>
  hasBetterSqlite3() ? undefined : 'better-sqlite3 does not load in this runtime';

/** Creates and runs a batch of no-op jobs from an array. */
export async function runBatch(
  hub: Hub,
  jobs: number,
  config: TaskConfig = atOnce(CONCURRENCY),
): Promise<Figures> {
  const noop = defineTask({ ...config, name: 'batch', handler: (_input: Input) => undefined });
  const data = [...inputs(jobs)];
  globalThis.gc?.();
  let created: Figures = {};
  const both = await perJob(jobs, async () => {
    let task: Awaited<ReturnType<typeof hub.createTask<Input, undefined>>> | undefined;
    created = await perJob(jobs, async () => {
      task = await hub.createTask(noop, { inputs: data });
    });
    const summary = await task?.start();
    if (summary?.completed !== jobs) throw new Error(`${summary?.completed} of ${jobs} completed`);
  });
  const { cpuMicrosPerJob: createCpuMicrosPerJob = 0 } = created;
  return {
    ...both,
    createCpuMicrosPerJob,
    runCpuMicrosPerJob: both.cpuMicrosPerJob - createCpuMicrosPerJob,
  };
}

/** The same on a SQLite file; with the size of the file when it is closed. */
export async function runDurable(
  jobs: number,
  folder: string,
  { durability, ...config }: TaskConfig & Pick<TaskHubConfig, 'durability'> = atOnce(CONCURRENCY),
): Promise<Figures> {
  const dbPath = join(folder, 'bench.db');
  const hub = await createTaskHub({ storage: sqlite(), dbPath, durability });
  const figures = await runBatch(hub, jobs, config);
  await hub.close();
  return { ...figures, bytesPerJob: statSync(dbPath).size / jobs };
}
