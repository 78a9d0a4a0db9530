// How long until a large task that was killed goes on? Two million rows; the process that runs them is killed by SIGKILL
// at the half; another opens the file, and the time until its handler is called for the first time is measured.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createTaskHub, defineTask, type Hub } from '@shelchin/taskhub';
import { atOnce, CONCURRENCY, type Input, inputs, sqlite } from './lib/batch.ts';
import { ask, type Figures } from './lib/measure.ts';

const [, , role, file = '', number = ''] = process.argv;
const ID = 'generated';

const open = (dbPath: string): Promise<Hub> => createTaskHub({ storage: sqlite(), dbPath });

/** Reads all, runs half, and waits to be killed. */
async function runHalf(dbPath: string, jobs: number): Promise<void> {
  let done = 0;
  const hub = await open(dbPath);
  const half = defineTask({
    ...atOnce(CONCURRENCY),
    name: ID,
    type: 'dynamic',
    id: ID,
    lookAhead: jobs * 2,
    getData: () => inputs(jobs),
    handler: (_input: Input) => (done++ < jobs / 2 ? undefined : new Promise<undefined>(() => undefined)),
  });
  const task = await hub.createTask(half);
  void task.start();
  // Every input is in the file, every slot holds a handler that never ends.
  while (task.totalJobs < jobs || task.completedJobs < jobs / 2)
    await new Promise((wake) => setTimeout(wake, 20));
  process.send?.('half');
}

async function resume(jobs: number, folder: string): Promise<Figures> {
  const dbPath = join(folder, 'resume.db');
  const child = spawn(process.execPath, [process.argv[1] ?? '', 'half', dbPath, String(jobs)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');

  const begin = performance.now();
  let firstCallMs = 0;
  const hub = await open(dbPath);
  const openedMs = performance.now() - begin;
  let stop = (): unknown => undefined;
  const rest = defineTask({
    ...atOnce(CONCURRENCY),
    name: ID,
    type: 'dynamic',
    id: ID,
    getData: () => inputs(jobs),
    handler(_input: Input) {
      if (firstCallMs === 0) {
        firstCallMs = performance.now() - begin;
        stop();
      }
    },
  });
  const task = await hub.createTask(rest);
  stop = () => void task.stop();
  const { total, completed } = await task.start();
  if (total !== jobs || completed < jobs / 2) throw new Error(`${completed} of ${total} were done`);
  await hub.close();
  return { firstCallMs, openedMs };
}

if (role === 'half') await runHalf(file, Number(number));
else
  await ask(import.meta.url, {
    question: 'How long until a large task that was killed goes on?',
    sizes: { jobs: 2_000_000 },
    quick: { jobs: 5_000 },
    runs: 1,
    cases: { resume: { run: ({ jobs }, folder) => resume(jobs, folder) } },
    targets: [
      { name: 'first call of the handler, ms', value: (of) => of('resume', 'firstCallMs'), atMost: 1000 },
    ],
  });
