// How a question is measured: each run in a process of its own, the cases in turn, medians with the least and the most.
//
// A benchmark file gives its cases to `ask`. The file is compiled to plain JavaScript first, so that a run holds the
// runtime and what is measured, and no compiler. Options of every benchmark:
//   --json           the standard output is one line of JSON
//   --peers          measures other packages as well; those that cannot run here are skipped aloud
//   --quick          small sizes and one run: whether it works, not how quick it is
//   --runs N         runs of each case
//   --runtime NAME   node (default), node24, bun
//   --only TEXT      only the cases with this text in their name
//   --SIZE N         another value for one of the sizes of the question
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { arch, cpus, loadavg, platform, tmpdir, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Figures of one run by name; the unit is part of the name. */
export type Figures = Record<string, number>;

/** One thing that is measured. */
export interface Case<S extends Figures> {
  /** @param folder - temporary, of this run alone */
  run: (sizes: S, folder: string) => Promise<Figures>;
  /** Measured with `--peers` only. */
  peer?: boolean;
  /** Why it cannot run here; undefined = it can. Asked in the runtime that would run it. */
  missing?: () => string | undefined;
  /** Sizes that are different for this case. */
  sizes?: (sizes: S) => Partial<S>;
  /** Least runs of this case, where one is dear. @default all */
  runs?: number;
}

/** Gives the median of a figure of a case; NaN where it was not measured. */
export type Medians = (name: string, figure: string) => number;

/** What the answer should be. Not judged when one of its figures was not measured. */
export interface Target {
  name: string;
  value: (of: Medians) => number;
  atMost?: number;
  atLeast?: number;
}

export interface Question<S extends Figures> {
  question: string;
  sizes: S;
  quick: Partial<S>;
  runs: number;
  cases: Record<string, Case<S>>;
  targets: Target[];
  /** More keys for the line of JSON. */
  json?: (of: Medians, sizes: S) => Record<string, unknown>;
}

interface Run {
  runtime: string;
  figures?: Figures;
  missing?: string;
}

const MB = 1024 * 1024;
const RUN_LIMIT = 30 * 60_000;
const cache = new URL('../node_modules/.cache/', import.meta.url);
const bin = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** How each runtime runs a file. */
const RUNTIMES: Record<string, { command: () => string; flags: string[] }> = {
  node: { command: () => process.execPath, flags: ['--expose-gc'] },
  // `node scripts/runtimes.mjs node24` installs it there.
  node24: { command: () => installed('node-24', 'node/bin/node'), flags: ['--expose-gc', '--no-warnings'] },
  bun: { command: () => bin('../node_modules/.bin/bun'), flags: ['--expose-gc'] },
};

function installed(prefix: string, path: string): string {
  const file = bin(`../../node_modules/.cache/${prefix}.21.0/node_modules/${path}`);
  if (!existsSync(file)) throw new Error('Node 24 is not installed: run `pnpm check:runtimes node24` first.');
  return file;
}

/** Measures a question and prints the answer; in the process of a run, runs the one case. */
export async function ask<S extends Figures>(file: string, question: Question<S>): Promise<void> {
  const args = process.argv.slice(2);
  if (args[0] === '--case') await runCase(question, args[1] ?? '', JSON.parse(args[2] ?? '{}') as S);
  else await answer(fileURLToPath(file), question, args);
}

// --- in the process of one run ---------------------------------------------------------------------------------------

async function runCase<S extends Figures>({ cases }: Question<S>, name: string, sizes: S): Promise<void> {
  const one = cases[name];
  if (one === undefined) throw new Error(`there is no case ${name}`);
  const { bun, node } = process.versions;
  const runtime = bun === undefined ? `node ${node}` : `bun ${bun}`;
  const missing = one.missing?.();
  const folder = mkdtempSync(join(tmpdir(), 'taskhub-bench-'));
  try {
    const run: Run =
      missing === undefined ? { runtime, figures: await one.run(sizes, folder) } : { runtime, missing };
    console.log(`\n${JSON.stringify(run)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Time and CPU (user + system of this process) of some work, per job. */
export async function perJob(
  jobs: number,
  work: () => unknown,
): Promise<{ cpuMicrosPerJob: number; wallMicrosPerJob: number }> {
  const cpu = process.cpuUsage();
  const begin = performance.now();
  await work();
  const wall = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMicrosPerJob: (user + system) / jobs, wallMicrosPerJob: (wall * 1000) / jobs };
}

/** Bytes of live objects on the heap. */
export function liveHeap(): number {
  if (globalThis.gc === undefined) throw new Error('needs --expose-gc');
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** The most memory that this process has ever had, in MB. */
export const peakRssMB = (): number => process.resourceUsage().maxRSS / 1024;

// --- in the process that asks ----------------------------------------------------------------------------------------

interface Options<S> {
  sizes: S;
  runs: number;
  runtime: string;
  json: boolean;
  peers: boolean;
  only: string;
}

function readOptions<S extends Figures>(question: Question<S>, args: string[]): Options<S> {
  const options = { sizes: { ...question.sizes }, runs: question.runs, runtime: 'node', only: '' };
  const flags = { json: args.includes('--json'), peers: args.includes('--peers') };
  if (args.includes('--quick')) {
    Object.assign(options.sizes, question.quick);
    options.runs = 1;
  }
  for (let at = 0; at < args.length; at++) {
    const name = (args[at] ?? '').slice(2);
    if (['json', 'peers', 'quick'].includes(name)) continue;
    const value = args[++at] ?? '';
    if (name === 'runs') options.runs = Number(value);
    else if (name === 'runtime' && value in RUNTIMES) options.runtime = value;
    else if (name === 'only') options.only = value;
    else if (name in options.sizes && Number(value) > 0)
      Object.assign(options.sizes, { [name]: Number(value) });
    else
      throw new Error(`--${name} ${value} is no option; those there are stand in benchmarks/lib/measure.ts`);
  }
  return { ...options, ...flags };
}

async function answer<S extends Figures>(file: string, question: Question<S>, args: string[]): Promise<void> {
  const options = readOptions(question, args);
  const { sizes, json } = options;
  // With --json, the standard output is JSON and nothing else.
  const say = json ? console.error : console.log;
  const machine = `${cpus()[0]?.model}, ${cpus().length} cores, ${Math.round(totalmem() / 1024 / MB)} GiB, ${platform()} ${arch()}`;
  const loadBefore = loadavg()[0] ?? 0;
  say(`${question.question}\n${machine}; load average ${loadBefore.toFixed(1)}`);

  const { runs, runtime } = await measure(file, question, options, say);
  const medians: Medians = (name, figure) => summarize(runs.get(name) ?? [], figure)?.median ?? Number.NaN;
  const shownSizes = Object.entries(sizes).map(([name, size]) => `${name} ${size.toLocaleString('en-US')}`);
  say(`${runtime}; ${shownSizes.join(', ')}; medians (least to most)`);
  const summaries: Record<string, Record<string, Summary>> = {};
  for (const [name, all] of runs) {
    say(`${name}, ${all.length} runs`);
    const figures = Object.keys(all[0] ?? {}).map((figure) => [figure, summarize(all, figure)] as const);
    for (const [figure, summary] of figures) if (summary) say(`  ${figure.padEnd(24)} ${spread(summary)}`);
    summaries[name] = Object.fromEntries(figures.map(([figure, summary]) => [figure, summary as Summary]));
  }
  const targets = question.targets
    .map((target) => ({ ...target, value: target.value(medians) }))
    .filter(({ value }) => !Number.isNaN(value))
    .map(({ name, value, atMost, atLeast }) => {
      const met =
        value <= (atMost ?? Number.POSITIVE_INFINITY) && value >= (atLeast ?? Number.NEGATIVE_INFINITY);
      const limit = atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`;
      say(`${met ? 'met   ' : 'MISSED'} ${name}: ${show(value)} (${limit})`);
      return { name, value: round(value), atMost, atLeast, met };
    });
  const loadAfter = loadavg()[0] ?? 0;
  if (Math.max(loadBefore, loadAfter) > 1.5) {
    say(
      `The machine was busy with other work (load average ${loadBefore.toFixed(1)} to ${loadAfter.toFixed(1)}): times on the wall are not to be trusted.`,
    );
  }
  if (!json) return;
  const load = [round(loadBefore), round(loadAfter)];
  console.log(
    JSON.stringify({
      ...question.json?.(medians, sizes),
      question: basename(file, '.ts'),
      machine,
      runtime,
      load,
      sizes,
      cases: summaries,
      targets,
    }),
  );
}

async function measure<S extends Figures>(
  file: string,
  question: Question<S>,
  options: Options<S>,
  say: (text: string) => void,
): Promise<{ runs: Map<string, Figures[]>; runtime: string }> {
  const compiled = await compile(file);
  const runs = new Map<string, Figures[]>();
  let runtime = '';
  try {
    const wanted = Object.entries(question.cases).filter(
      ([name, { peer }]) => (options.peers || peer !== true) && name.includes(options.only),
    );
    const left = new Map(wanted);
    for (let round = 0; round < options.runs; round++) {
      // Interleaved, so that what else the machine does meets all cases alike.
      for (const [name, one] of left) {
        if (round >= (one.runs ?? options.runs)) continue;
        const sizes = { ...options.sizes, ...one.sizes?.(options.sizes) };
        const run = spawnRun(compiled, options.runtime, name, sizes);
        runtime = run.runtime;
        if (run.figures !== undefined) runs.set(name, [...(runs.get(name) ?? []), run.figures]);
        else {
          left.delete(name);
          say(`skipped: ${name}: ${run.missing}`);
        }
      }
    }
  } finally {
    rmSync(compiled, { force: true });
  }
  return { runs, runtime };
}

async function compile(file: string): Promise<string> {
  // Loaded here, since a run does not need it.
  const { build } = await import('esbuild');
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { dependencies, devDependencies } = JSON.parse(manifest) as Record<string, object>;
  const external = Object.keys({ ...dependencies, ...devDependencies });
  mkdirSync(cache, { recursive: true });
  const outfile = fileURLToPath(new URL(`${basename(file, '.ts')}-${process.pid}.mjs`, cache));
  await build({ entryPoints: [file], outfile, bundle: true, external, platform: 'node', format: 'esm' });
  return outfile;
}

function spawnRun(file: string, runtime: string, name: string, sizes: Figures): Run {
  const { command, flags } = RUNTIMES[runtime] as (typeof RUNTIMES)[string]; // readOptions has looked
  const profile = process.env.TASKHUB_CPU_PROF;
  const { status, stdout } = spawnSync(
    command(),
    [
      ...flags,
      ...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]),
      file,
      '--case',
      name,
      JSON.stringify(sizes),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', timeout: RUN_LIMIT, killSignal: 'SIGKILL' },
  );
  if (status !== 0) throw new Error(`the run of ${name} ended with ${status}: ${stdout}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Run;
}

interface Summary {
  median: number;
  least: number;
  most: number;
}

function summarize(runs: readonly Figures[], figure: string): Summary | undefined {
  const sorted = runs.flatMap((run) => run[figure] ?? []).sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  if (sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median: round(median), least: round(at(0)), most: round(at(sorted.length - 1)) };
}

const round = (value: number): number => Number(value.toPrecision(4));
const show = (value: number): string => value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
const spread = ({ median, least, most }: Summary): string =>
  `${show(median)} (${show(least)} to ${show(most)})`;
