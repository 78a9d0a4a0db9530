// Other packages doing the same no-op jobs. Each is loaded when it is measured: none is part of TaskHub.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  accessSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONCURRENCY, inputs } from './batch.ts';
import { type Figures, perJob } from './measure.ts';

// --- in memory ---------------------------------------------------------------------------------------------------------

/** p-queue: jobs are added all at once, and the promise of each is awaited. */
export async function runPQueue(jobs: number): Promise<Figures> {
  const { default: PQueue } = await import('p-queue');
  const data = [...inputs(jobs)];
  globalThis.gc?.();
  let done = 0;
  const figures = await perJob(jobs, async () => {
    const queue = new PQueue({ concurrency: CONCURRENCY });
    const handler = async (_input: unknown): Promise<void> => {
      done += 1;
    };
    await Promise.all(data.map((input) => queue.add(() => handler(input))));
  });
  return assertDone(done, jobs, figures);
}

/** fastq, with promises. */
export async function runFastq(jobs: number): Promise<Figures> {
  const { default: fastq } = await import('fastq');
  const data = [...inputs(jobs)];
  globalThis.gc?.();
  let done = 0;
  const figures = await perJob(jobs, async () => {
    const queue = fastq.promise(async (_input: unknown) => {
      done += 1;
    }, CONCURRENCY);
    await Promise.all(data.map((input) => queue.push(input)));
  });
  return assertDone(done, jobs, figures);
}

// --- SQLite ------------------------------------------------------------------------------------------------------------

/** plainjob: a worker does one job at a time, so there are 50. It keeps no results. */
export async function runPlainjob(jobs: number, folder: string): Promise<Figures> {
  const [{ better, defineQueue, defineWorker }, { default: Database }] = await Promise.all([
    import('plainjob'),
    import('better-sqlite3'),
  ]);
  const file = join(folder, 'plainjob.db');
  const quiet = { error: console.error, warn: console.error, info: () => {}, debug: () => {} };
  const queue = defineQueue({ connection: better(new Database(file)), logger: quiet });
  const data = [...inputs(jobs)];
  globalThis.gc?.();
  let done = 0;
  const figures = await perJob(jobs, async () => {
    queue.addMany('noop', data);
    const { promise, resolve } = deferred();
    const handler = async (): Promise<void> => {
      done += 1;
      if (done === jobs) resolve();
    };
    const workers = Array.from({ length: CONCURRENCY }, () =>
      defineWorker('noop', handler, { queue, logger: quiet }),
    );
    const running = workers.map((worker) => worker.start());
    await promise;
    await Promise.all(workers.map((worker) => worker.stop()));
    await Promise.all(running);
  });
  queue.close();
  return { ...assertDone(done, jobs, figures), bytesPerJob: statSync(file).size / jobs };
}

// --- with a server -----------------------------------------------------------------------------------------------------

/** BullMQ with a Redis of its own that writes to no disk. CPU includes the server. */
export async function runBullMQ(jobs: number, folder: string): Promise<Figures> {
  const { Queue, Worker } = await import('bullmq');
  const socket = join(folder, 'redis.sock');
  const server = spawn(
    'redis-server',
    ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', folder],
    {
      stdio: 'ignore',
    },
  );
  try {
    await until(() => existsSync(socket));
    const connection = { path: socket };
    const queue = new Queue('noop', { connection, defaultJobOptions: { removeOnComplete: true } });
    const data = [...inputs(jobs)].map((input) => ({ name: 'noop', data: input }));
    globalThis.gc?.();
    let done = 0;
    const figures = await withServer(server, jobs, async () => {
      for (let at = 0; at < jobs; at += 1000) await queue.addBulk(data.slice(at, at + 1000));
      const { promise, resolve } = deferred();
      const worker = new Worker('noop', async () => undefined, { connection, concurrency: CONCURRENCY });
      worker.on('completed', () => {
        done += 1;
        if (done === jobs) resolve();
      });
      await promise;
      await worker.close();
    });
    await queue.close();
    return assertDone(done, jobs, figures);
  } finally {
    server.kill();
  }
}

export const needsRedis = (): string | undefined =>
  onPath('redis-server') ? undefined : 'there is no redis-server: apt-get install redis-server';

/** pg-boss with a PostgreSQL of its own. CPU includes the server. */
export async function runPgBoss(jobs: number, folder: string): Promise<Figures> {
  const { default: PgBoss } = await import('pg-boss');
  const dataFolder = join(folder, 'postgres');
  mkdirSync(dataFolder);
  // PostgreSQL refuses to be root: it is the owner of its usual folder then.
  const uid = process.getuid?.() === 0 ? statSync('/var/lib/postgresql').uid : undefined;
  if (uid !== undefined) for (const owned of [folder, dataFolder]) chownSync(owned, uid, 0);
  const as = (command: string, args: string[]): ChildProcess =>
    spawn(join(postgresFolder(), command), ['-D', dataFolder, ...args], {
      stdio: 'ignore',
      ...(uid === undefined ? {} : { uid }),
    });
  await ended(as('initdb', ['-U', 'postgres', '--auth', 'trust']));
  const server = as('postgres', ['-k', folder, '-c', 'listen_addresses=']);
  try {
    await until(() => existsSync(join(folder, '.s.PGSQL.5432')));
    await sleep(500); // It refuses connections for a moment after it made the socket.
    const boss = new PgBoss({ host: folder, user: 'postgres', database: 'postgres', max: 10 });
    const fail = (error: Error): never => {
      throw error;
    };
    boss.on('error', fail);
    await boss.start();
    await boss.createQueue('noop');
    const data = [...inputs(jobs)].map((input) => ({ name: 'noop', data: input }));
    globalThis.gc?.();
    let done = 0;
    const figures = await withServer(server, jobs, async () => {
      for (let at = 0; at < jobs; at += 1000) await boss.insert(data.slice(at, at + 1000));
      // One loop of fetch and complete: its own workers poll twice a second.
      for (let batch = await boss.fetch('noop', { batchSize: CONCURRENCY }); batch.length > 0; ) {
        done += batch.length;
        await boss.complete(
          'noop',
          batch.map(({ id }) => id),
        );
        batch = await boss.fetch('noop', { batchSize: CONCURRENCY });
      }
    });
    // Its pool outlives stop() for a moment, and tells of the server's end.
    boss.off('error', fail).on('error', () => undefined);
    await boss.stop({ graceful: false });
    return assertDone(done, jobs, figures);
  } finally {
    server.kill('SIGINT');
    await ended(server);
  }
}

export const needsPostgres = (): string | undefined =>
  postgresFolder() === '' ? 'there is no PostgreSQL: apt-get install postgresql' : undefined;

function postgresFolder(): string {
  const root = '/usr/lib/postgresql';
  const version = existsSync(root) ? readdirSync(root).sort().at(-1) : undefined;
  return version === undefined ? '' : join(root, version, 'bin');
}

// --- around them -------------------------------------------------------------------------------------------------------

/** As `perJob`, with the CPU of a server and all its processes. */
async function withServer(server: ChildProcess, jobs: number, work: () => Promise<void>): Promise<Figures> {
  const before = cpuOfTree(server.pid ?? 0);
  const figures = await perJob(jobs, work);
  const serverCpuMicrosPerJob = (cpuOfTree(server.pid ?? 0) - before) / jobs;
  return {
    ...figures,
    cpuMicrosPerJob: figures.cpuMicrosPerJob + serverCpuMicrosPerJob,
    serverCpuMicrosPerJob,
  };
}

/** CPU in µs of a process, its children that run and those that have ended. Linux counts in 1/100 s. */
function cpuOfTree(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  return ticks * 10_000 + children.reduce((sum, child) => sum + cpuOfTree(Number(child)), 0);
}

function assertDone(done: number, jobs: number, figures: Figures): Figures {
  if (done !== jobs) throw new Error(`${done} of ${jobs} ran`);
  return figures;
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 20) {
    if (waited > 20_000) throw new Error('the server did not start');
    await sleep(20);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const code = child.exitCode ?? (await new Promise((resolve) => child.once('exit', resolve)));
  if (code !== 0) throw new Error(`${child.spawnfile} ended with ${code}`);
}

function onPath(command: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
