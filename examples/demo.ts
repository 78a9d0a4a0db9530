// The main job: thousands of real records through a service with a rate limit, into SQLite.
// Stop it as you like (Ctrl-C, kill -9) and run it again: it goes on where it was.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createTaskHub, defineTask, type RunSummary, type Task } from '@shelchin/taskhub';
import cities from 'city-timezones';
import { dataFile } from './data-file.ts';
import { Rate, StatusLine } from './status-line.ts';

const USAGE = `usage: pnpm demo [--records N] [--rps N] [--reset]
  --records N   how many cities to ask for, 1 to ${cities.cityMapping.length} (5000)
  --rps N       calls per second that the service lets through (120)
  --reset       forget what earlier runs have recorded, and begin again`;

interface City {
  id: number;
  city: string;
  country: string;
  lat: number;
  lng: number;
}

interface Daylight {
  hours: number;
}

const FATES = ['taken', 'answered', 'refused', 'error', 'reset'] as const;
const number = (n: number): string => n.toLocaleString('en-US', { maximumFractionDigits: 0 });

function readOptions(): { records: number; rps: number; reset: boolean } {
  const { values } = parseArgs({
    options: {
      records: { type: 'string', default: '5000' },
      rps: { type: 'string', default: '120' },
      reset: { type: 'boolean', default: false },
    },
  });
  const [records, rps] = [Number(values.records), Number(values.rps)];
  if (!Number.isInteger(records) || records < 1 || records > cities.cityMapping.length) {
    throw new Error(`--records must be a whole number from 1 to ${cities.cityMapping.length}`);
  }
  if (!(rps >= 1 && rps < Number.POSITIVE_INFINITY)) throw new Error('--rps must be a number, 1 or more');
  return { records, rps, reset: values.reset };
}

/** The service, in a process of its own that ends with this one. */
async function startService(rps: number, log: string): Promise<{ url: string; process: ChildProcess }> {
  const service = fork(fileURLToPath(new URL('daylight-api.ts', import.meta.url)), [String(rps), log]);
  const failed = once(service, 'exit').then(([code]) =>
    Promise.reject(new Error(`The service ended: ${code}`)),
  );
  const [url] = (await Promise.race([once(service, 'message'), failed])) as [string];
  failed.catch(() => undefined); // later, its end is no failure to start
  return { url, process: service };
}

async function endService(service: ChildProcess): Promise<void> {
  if (service.exitCode !== null || service.signalCode !== null) return;
  const ended = once(service, 'exit');
  service.disconnect();
  await ended;
}

/** The service's own account: how its calls ended, and how often each record was answered. */
function readAccessLog(log: string): { counts: Map<string, number>; answers: Map<string, number> } {
  const counts = new Map<string, number>();
  const answers = new Map<string, number>();
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [record = '', what = ''] = line.split(' ');
    if (what !== '') counts.set(what, (counts.get(what) ?? 0) + 1);
    if (what === 'answered') answers.set(record, (answers.get(record) ?? 0) + 1);
  }
  return { counts, answers };
}

/** Compares what is recorded with what the service has seen, over all runs. */
async function report(task: Task<City, Daylight>, records: number, log: string): Promise<void> {
  const recorded = new Set<number>();
  let longest: { city: string; hours: number } | undefined;
  let rows = 0;
  for await (const { input, output } of task.results({ status: 'completed' })) {
    rows += 1;
    recorded.add(input.id);
    if (output.hours < 24 && output.hours > (longest?.hours ?? 0)) longest = { ...input, ...output };
  }
  console.log(`The longest day that ends: ${longest?.hours} hours, in ${longest?.city}.`);
  console.log(`Recorded: ${number(recorded.size)} of ${number(records)} cities, in ${number(rows)} rows.`);
  if (recorded.size !== records || rows !== records) process.exitCode = 1;

  const { counts, answers } = readAccessLog(log);
  const [taken = 0, answered = 0, refused = 0, error = 0, reset = 0] = FATES.map((fate) => counts.get(fate));
  const lost = taken - answered - error - reset;
  const again = [...answers.values()].filter((count) => count > 1).length;
  console.log(
    `The service took ${number(taken)} calls: ${number(answered)} answered, ${error} ended with 500, ${reset} broke ` +
      `off, ${lost} were cut off by a kill. It refused ${number(refused)} (429).`,
  );
  console.log(
    `Cities answered once: ${number(answers.size - again)}, again because a kill lost the answer: ${again}.`,
  );
}

async function demo(): Promise<void> {
  const { records, rps, reset } = readOptions();
  const database = dataFile('demo.db');
  const log = dataFile(`demo-${records}.log`);
  if (reset)
    for (const file of [database, `${database}-wal`, `${database}-shm`, log]) rmSync(file, { force: true });

  let url = '';
  const daylight = defineTask<City, Daylight>({
    name: 'daylight',
    getData: () =>
      cities.cityMapping
        .slice(0, records)
        .map(({ city, country, lat, lng }, id) => ({ id, city, country, lat, lng })),
    async handler({ id, lat }, ctx) {
      const response = await ctx.fetch(`${url}/daylight/${id}?lat=${lat}`);
      return (await response.json()) as Daylight;
    },
    ifExists: 'retry',
    retry: { maxAttempts: 5, baseDelay: 200 },
  });

  await using hub = await createTaskHub({ dbPath: database });
  const task = await hub.createTask(daylight);
  const { completedJobs, totalJobs } = task;
  if (task.status === 'completed') {
    console.log(`All ${number(totalJobs)} cities are recorded already. --reset begins again.`);
    if (existsSync(log)) await report(task, records, log);
    return;
  }
  console.log(
    completedJobs === 0
      ? `${number(totalJobs)} cities to ask for, from a service that takes ${rps} calls per second.`
      : `Going on: ${number(completedJobs)} of ${number(totalJobs)} cities are recorded.`,
  );
  const service = await startService(rps, log);
  url = service.url;
  const summary = await run(task, service.process).finally(() => endService(service.process));

  if (summary.status === 'paused') {
    console.log(`Stopped: ${number(summary.completed)} of ${number(summary.total)} cities are recorded.`);
    console.log('Run the same command again to go on.');
    return;
  }
  const { ran, elapsed, failed } = summary;
  console.log(`${number(ran)} in ${number(elapsed / 1000)} s, ${number(failed)} failed.`);
  if (failed > 0) console.log('Run the same command again to try those again.');
  await report(task, records, log);
  console.log(`The database: ${database}`);
}

/** Runs the task, shows how far it is, and stops in good order on Ctrl-C. */
async function run(task: Task<City, Daylight>, service: ChildProcess): Promise<RunSummary> {
  const line = new StatusLine();
  const rate = new Rate();
  let refused = 0;
  let stoppedAt: number | undefined;
  task.on('job:retry', (job) => {
    if (job.failure?.status === 429) refused += 1;
  });
  task.on('job:failed', (job, error) => line.print(`${job.input.city}: ${error.message}`));
  task.on('progress', ({ completed, failed, total, active, concurrency, estimatedRemaining }) => {
    const eta = estimatedRemaining === null ? '–' : `${number(estimatedRemaining / 1000)} s`;
    line.show(
      `${number(completed + failed)}/${number(total)}  ${number(rate.note(completed))}/s  ` +
        `concurrency ${concurrency}  refused ${number(refused)}  ETA ${eta}  ${task.speed.reason}`,
    );
    if (stoppedAt !== undefined && active === 0) void task.stop();
  });

  // Ctrl-C: what is on its way is waited for, so that nothing is asked twice. A second one does not wait; what comes
  // within half a second is the same one, passed on by a package manager.
  const stop = (): void => {
    if (stoppedAt !== undefined && performance.now() - stoppedAt > 500) process.exit(130);
    if (stoppedAt !== undefined) return;
    stoppedAt = performance.now();
    line.print('Stopping: the calls on their way are waited for.');
    task.pause();
  };
  const serviceEnded = (): void => {
    line.print('The service has ended.');
    void task.stop();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  service.on('exit', serviceEnded);
  try {
    return await task.start();
  } finally {
    line.end();
    service.off('exit', serviceEnded);
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

try {
  await demo();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof TypeError || !(error instanceof Error && 'code' in error)) console.error(USAGE);
  process.exitCode = 1;
}
