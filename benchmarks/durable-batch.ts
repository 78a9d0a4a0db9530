// What does a durable job cost? `pnpm bench durable-batch [--json] [--runs N] [--jobs N] [--streamed N]`, in Bun
// `bun --expose-gc benchmarks/durable-batch.ts`.
//
// batch    100,000 jobs that do nothing, inputs of 92 bytes, 50 at once, better-sqlite3 (or bun:sqlite) on a file in a
//          temporary folder: CPU (user + system of the whole process) and time from before createTask() to the end of start(),
//          and the size of the file after close().
// stream   1,000,000 such inputs from a generator (a dynamic source): the live heap. Every 50,000 jobs the garbage is
//          collected and the heap that is left compared with the one before createTask(); the largest growth counts.
//          The peak RSS is that of the operating system, garbage, SQLite's cache and the runtime included.
//
// Every run is a process of its own. Figures are the median of the runs, with the least and the most.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createTaskHub, defineTask } from '@shelchin/taskhub';

const CONCURRENCY = 50;
const INPUT_BYTES = 92;
const BETWEEN_SAMPLES = 50_000;
const BUN = process.versions.bun;
const STORE = BUN === undefined ? 'better-sqlite3' : 'bun-sqlite';
const MB = 1024 * 1024;

type Kind = 'batch' | 'stream';

interface Input {
  id: string;
  url: string;
}

interface BatchResult {
  ingestMicros: number;
  cpuMicrosPerJob: number;
  wallJobsPerSecond: number;
  bytesPerJob: number;
}

interface StreamResult {
  cpuMicrosPerJob: number;
  wallJobsPerSecond: number;
  heapGrowthMB: number;
  peakRssMB: number;
}

function inputOf(number: number): Input {
  const id = String(number).padStart(8, '0');
  return { id, url: `https://api.example.com/v1/customers/records/${id}?fields=names` };
}

const fixed = {
  concurrency: { algorithm: 'aimd', min: CONCURRENCY, max: CONCURRENCY, initial: CONCURRENCY },
} as const;

const cpuMicros = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return user + system;
};

async function batch(jobs: number, dbPath: string): Promise<BatchResult> {
  const inputs = Array.from({ length: jobs }, (_, i) => inputOf(i));
  const noop = defineTask({ ...fixed, name: 'batch', handler: (_input: Input) => undefined });
  const hub = await createTaskHub({ storage: STORE, dbPath });
  globalThis.gc?.();

  const cpu = process.cpuUsage();
  const begin = performance.now();
  const task = await hub.createTask(noop, { inputs });
  const ingestMicros = cpuMicros(cpu) / jobs;
  const { completed } = await task.start();
  const micros = cpuMicros(cpu);
  const seconds = (performance.now() - begin) / 1000;

  if (completed !== jobs) throw new Error(`${completed} of ${jobs} completed`);
  await hub.close();
  return {
    ingestMicros,
    cpuMicrosPerJob: micros / jobs,
    wallJobsPerSecond: jobs / seconds,
    bytesPerJob: statSync(dbPath).size / jobs,
  };
}

async function stream(jobs: number, dbPath: string): Promise<StreamResult> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('Run it with --expose-gc, as `pnpm bench` does.');
  const liveHeap = (): number => {
    gc();
    return process.memoryUsage().heapUsed;
  };
  let done = 0;
  let most = 0;
  const noop = defineTask({
    ...fixed,
    name: 'stream',
    type: 'dynamic',
    id: 'generated',
    *getData() {
      for (let i = 0; i < jobs; i++) yield inputOf(i);
    },
    handler(_input: Input) {
      if (++done % BETWEEN_SAMPLES === 0) most = Math.max(most, liveHeap());
    },
  });
  const hub = await createTaskHub({ storage: STORE, dbPath });
  const baseline = liveHeap();

  const cpu = process.cpuUsage();
  const begin = performance.now();
  const { completed } = await (await hub.createTask(noop)).start();
  const seconds = (performance.now() - begin) / 1000;
  const micros = cpuMicros(cpu);
  if (completed !== jobs) throw new Error(`${completed} of ${jobs} completed`);
  await hub.close();
  return {
    cpuMicrosPerJob: micros / jobs,
    wallJobsPerSecond: jobs / seconds,
    heapGrowthMB: (Math.max(most, liveHeap()) - baseline) / MB,
    peakRssMB: process.resourceUsage().maxRSS / 1024,
  };
}

function versions(): string {
  if (BUN !== undefined) return `Bun ${BUN}, its SQLite ${process.versions.sqlite}`;
  const require = createRequire(new URL('../packages/storage-node/package.json', import.meta.url));
  const { version } = require('better-sqlite3/package.json') as { version: string };
  return `Node ${process.version}, better-sqlite3 ${version}`;
}

// --- one run in a process of its own, and what several of them say -------------------------------------------------

async function measure<T>(kind: Kind, jobs: number, runs: number): Promise<T[]> {
  const results: T[] = [];
  while (results.length < runs) {
    const child = fork(fileURLToPath(import.meta.url), ['--run', kind, '--jobs', String(jobs)]);
    const [result] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) =>
        Promise.reject(new Error(`the run of ${kind} ended with ${code}`)),
      ),
    ])) as [T];
    if (child.exitCode === null) await once(child, 'exit');
    results.push(result);
  }
  return results;
}

async function runOnce(kind: Kind, jobs: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'taskhub-bench-'));
  try {
    const dbPath = join(folder, 'bench.db');
    process.send?.(await (kind === 'batch' ? batch(jobs, dbPath) : stream(jobs, dbPath)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  process.disconnect();
}

function summarize<T extends object>(runs: T[], key: keyof T): { median: number; text: string } {
  const sorted = runs.map((run) => Number(run[key])).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const at = (i: number): number => sorted[i] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  const show = (n: number): string => n.toLocaleString('en-US', { maximumFractionDigits: n < 1000 ? 1 : 0 });
  return { median, text: `${show(median)} (${show(at(0))} to ${show(at(sorted.length - 1))})` };
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    jobs: { type: 'string', default: '100000' },
    streamed: { type: 'string', default: '1000000' },
    run: { type: 'string' },
  },
});
const jobs = Number(values.jobs);
const bytes = JSON.stringify(inputOf(0)).length;
if (bytes !== INPUT_BYTES) throw new Error(`inputs have ${bytes} bytes`);

if (values.run === 'batch' || values.run === 'stream') await runOnce(values.run, jobs);
else {
  const runs = Number(values.runs);
  const streamed = Number(values.streamed);
  // With --json, the standard output is JSON and nothing else.
  const say = values.json ? console.error : console.log;
  const [cpu] = cpus();
  say(
    `${cpu?.model}, ${cpus().length} cores, ${Math.round(totalmem() / 1024 / MB)} GiB, ${platform()} ${arch()}; ${versions()}`,
  );

  const batches = await measure<BatchResult>('batch', jobs, runs);
  const cost = summarize(batches, 'cpuMicrosPerJob');
  const speed = summarize(batches, 'wallJobsPerSecond');
  const size = summarize(batches, 'bytesPerJob');
  say(
    `batch: ${jobs.toLocaleString('en-US')} jobs, ${CONCURRENCY} at once, median of ${runs} runs (least to most)`,
  );
  say(`  CPU µs per job      ${cost.text}, of which createTask ${summarize(batches, 'ingestMicros').text}`);
  say(`  jobs per second     ${speed.text}`);
  say(`  bytes per job       ${size.text}`);

  const streamRuns = Math.min(runs, 3);
  const streams = await measure<StreamResult>('stream', streamed, streamRuns);
  const heap = summarize(streams, 'heapGrowthMB');
  const rss = summarize(streams, 'peakRssMB');
  say(`stream: ${streamed.toLocaleString('en-US')} inputs, median of ${streamRuns} runs (least to most)`);
  say(`  live heap growth MB ${heap.text}`);
  say(`  peak RSS MB         ${rss.text}`);
  say(
    `  CPU µs per job      ${summarize(streams, 'cpuMicrosPerJob').text}, ` +
      `jobs per second ${summarize(streams, 'wallJobsPerSecond').text} (with the collections)`,
  );

  const round = (n: number): number => Number(n.toFixed(n < 100 ? 2 : 0));
  const result = {
    runtime: BUN === undefined ? `node ${process.version.slice(1)}` : `bun ${BUN}`,
    store: STORE,
    jobs,
    concurrency: CONCURRENCY,
    cpuMicrosPerJob: round(cost.median),
    wallJobsPerSecond: round(speed.median),
    bytesPerJob: round(size.median),
    heapGrowthMB: round(heap.median),
    peakRssMB: round(rss.median),
  };
  if (values.json) console.log(JSON.stringify(result)); // one line, the last one
}
