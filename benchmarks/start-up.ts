// How long until the first job? Each run is a new process: the import of the main entry, then from there to the first
// call of a handler.
import { join } from 'node:path';
import { ask, type Figures } from './lib/measure.ts';

async function taskhub(storage: 'memory' | 'auto', folder: string): Promise<Figures> {
  return first(async (called) => {
    const { createTaskHub, defineTask } = await import('@shelchin/taskhub');
    const importedAt = performance.now();
    const hub = await createTaskHub({ storage, dbPath: join(folder, 'first.db') });
    const task = await hub.createTask(defineTask({ name: 'first', handler: called }), { inputs: [1] });
    await task.start();
    await hub.close();
    return importedAt;
  });
}

async function pQueue(): Promise<Figures> {
  return first(async (called) => {
    const { default: PQueue } = await import('p-queue');
    const importedAt = performance.now();
    await new PQueue({ concurrency: 5 }).add(async () => called(1));
    return importedAt;
  });
}

async function first(work: (called: (input: number) => undefined) => Promise<number>): Promise<Figures> {
  const begin = performance.now();
  const cpu = process.cpuUsage();
  let calledAt = 0;
  let micros = { user: 0, system: 0 };
  const importedAt = await work(() => {
    calledAt = performance.now();
    micros = process.cpuUsage(cpu);
    return undefined;
  });
  return {
    importMs: importedAt - begin,
    firstJobMs: calledAt - importedAt,
    bothMs: calledAt - begin,
    bothCpuMs: (micros.user + micros.system) / 1000,
  };
}

await ask(import.meta.url, {
  question: 'How long until the first job, in a new process?',
  sizes: {},
  quick: {},
  runs: 15,
  cases: {
    'taskhub, memory': { run: (_sizes, folder) => taskhub('memory', folder) },
    'taskhub, SQLite': { run: (_sizes, folder) => taskhub('auto', folder) },
    'p-queue': { run: pQueue },
  },
  targets: [
    {
      name: 'import and first job in memory against p-queue',
      value: (of) => of('taskhub, memory', 'bothMs') / of('p-queue', 'bothMs'),
      atMost: 1.5,
    },
    {
      name: 'import and first job in SQLite against p-queue',
      value: (of) => of('taskhub, SQLite', 'bothMs') / of('p-queue', 'bothMs'),
      atMost: 1.5,
    },
  ],
});
