// A process is killed with SIGKILL in the middle of a run, and the next one goes on where it was.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createTaskHub, type JobContext, TaskSource } from '@shelchin/taskhub';
import { dataFile } from './data-file.ts';
import { startLimitedApi } from './limited-api.ts';

const RECORDS = 300;

class Records extends TaskSource<number, string> {
  readonly type = 'deterministic';

  constructor(readonly url: string) {
    super();
  }

  getData() {
    return Array.from({ length: RECORDS }, (_, i) => i + 1);
  }

  async handler(record: number, ctx: JobContext): Promise<string> {
    const response = await ctx.fetch(`${this.url}/records/${record}`);
    return ((await response.json()) as { record: string }).record;
  }
}

/** The process that will be killed. */
async function work(url: string): Promise<void> {
  const hub = await createTaskHub({ dbPath: dataFile('recovery.db') });
  const task = await hub.createTask({ name: 'recovery', source: new Records(url), ifExists: 'restart' });
  await task.start();
}

async function recover(): Promise<void> {
  const api = await startLimitedApi({ latency: { median: 15, spread: 0.5 } });
  const worker = fork(fileURLToPath(import.meta.url), [api.url]);
  while (api.stats().answered < RECORDS / 3) await sleep(5);
  worker.kill('SIGKILL');
  await once(worker, 'exit');
  const { fetches: before } = api.stats();

  // After the restart: find and resume incomplete tasks.
  const hub = await createTaskHub({ dbPath: dataFile('recovery.db') });
  const tasks = await hub.listTasks();
  let recovered = 0;
  for (const taskMeta of tasks) {
    if (taskMeta.status === 'running' || taskMeta.status === 'paused') {
      recovered = taskMeta.completedJobs;
      const task = await hub.resumeTask(taskMeta.id, new Records(api.url));
      if (task) {
        await task.resume();
      }
    }
  }

  const [done] = await hub.listTasks({ name: 'recovery' });
  const { fetches } = api.stats();
  const twice = [...fetches.values()].filter((count) => count > 1).length;
  const onTheirWay = before.size - recovered;
  console.log(`killed: ${recovered} recorded, ${onTheirWay} answered but not yet recorded`);
  console.log(`${done?.completedJobs} of ${done?.totalJobs} recorded, status ${done?.status}`);
  console.log(`fetched twice: ${twice}`);
  if (twice > onTheirWay) throw new Error('A recorded job ran again.');
  await hub.close();
  await api.close();
}

const [, , url] = process.argv;
await (url === undefined ? recover() : work(url));
