// A few rows of an input, evenly chosen, as a task of their own; the whole run does not repeat what it has done.
import type { CompletedJob, FailedJob, RunSummary, Task, TaskDefinition, TaskMeta } from '@shelchin/taskhub';
import type { Database } from './database.js';
import { FailureKinds } from './failure-kinds.js';
import { count, duration, fit, percent, perSecond, plural } from './text.js';
import type { Frame } from './view/frame.js';

type Definition = TaskDefinition<unknown, unknown>;

/** Output examples in a report. */
const EXAMPLES = 3;

export function sampleName(name: string): string {
  return `${name} (sample)`;
}

/**
 * Chooses `wanted` rows in equal distances from a stream of unknown length, in one reading.
 *
 * Keeps every row at first, then every second one, every fourth, …: four to eight times as many as wanted.
 */
export async function chooseEvenly<T>(
  rows: AsyncIterable<T>,
  wanted: number,
): Promise<{ chosen: T[]; total: number }> {
  let kept: T[] = [];
  let [step, total] = [1, 0];
  for await (const row of rows) {
    if (total % step === 0) kept.push(row);
    total += 1;
    if (kept.length < wanted * 8) continue;
    kept = kept.filter((_, at) => at % 2 === 0);
    step *= 2;
  }
  if (kept.length <= wanted) return { chosen: kept, total };
  const distance = kept.length / wanted;
  return { chosen: Array.from({ length: wanted }, (_, at) => kept[Math.floor(at * distance)] as T), total };
}

/** The definition of the sample of a task. */
export function sampleDefinition(
  definition: Definition,
  rows: readonly unknown[],
  previous?: TaskMeta,
): Definition {
  const { id: _, type: __, input: ___, ...rest } = definition;
  return {
    ...rest,
    name: sampleName(definition.name),
    getData: () => rows,
    ...(previous !== undefined && { reuse: previous.id }),
  };
}

/**
 * A handler that gives the results of the sample as they are recorded, and works on the other rows.
 *
 * @returns the definition as it was where there is no sample
 */
export async function withSample({ hub }: Database, definition: Definition): Promise<Definition> {
  const metas = await hub.listTasks({ name: sampleName(definition.name) });
  const results = new Map<string, unknown>();
  for (const meta of metas.filter(({ version }) => version === (definition.version ?? null))) {
    const { reuse: _, ifExists: __, ...rest } = definition;
    const sample = await hub.resumeTask(meta.id, { ...rest, type: 'deterministic' } as Definition);
    if (sample === null) continue;
    for await (const job of sample.results({ status: 'completed' })) results.set(job.id, job.output);
  }
  if (results.size === 0) return definition;
  return {
    ...definition,
    handler: (input, ctx) =>
      results.has(ctx.jobId) ? results.get(ctx.jobId) : definition.handler(input, ctx),
  };
}

/** Removes the samples of a task whose results are now its own. */
export async function deleteSamples({ hub }: Database, name: string): Promise<void> {
  for (const { id } of await hub.listTasks({ name: sampleName(name) })) await hub.deleteTask(id);
}

/** What a sample says about the whole. Times in ms. */
export interface SampleReport {
  rows: number;
  total: number;
  completed: number;
  failed: number;
  refusals: number;
  retries: number;
  /** Of the last attempt of each row. */
  durations: { median: number; slowest: number } | null;
  failures: ReturnType<FailureKinds['list']>;
  outputs: { input: unknown; output: unknown }[];
  forecast: { duration: number; failed: number; concurrency: number } | null;
}

export async function reportOf(
  task: Task,
  { ran, elapsed }: RunSummary,
  { refusals, retries, concurrency }: Pick<Frame, 'refusals' | 'retries' | 'concurrency'>,
  total: number,
): Promise<SampleReport> {
  const kinds = new FailureKinds();
  const outputs: SampleReport['outputs'] = [];
  const times: number[] = [];
  const timed = ({ startedAt, completedAt }: FailedJob | CompletedJob): void => {
    if (startedAt !== undefined && completedAt !== undefined) times.push(completedAt - startedAt);
  };
  for await (const job of task.results()) {
    if (job.status === 'failed') kinds.add(job);
    if (job.status === 'completed' && outputs.length < EXAMPLES)
      outputs.push({ input: job.input, output: job.output });
    if (job.status === 'completed' || job.status === 'failed') timed(job);
  }
  times.sort((a, b) => a - b);
  const { completedJobs: completed, failedJobs: failed } = task;
  const settled = completed + failed;
  return {
    rows: task.totalJobs,
    total,
    completed,
    failed,
    refusals: refusals ?? 0,
    retries: retries ?? 0,
    durations:
      times.length === 0
        ? null
        : { median: times[Math.floor(times.length / 2)] ?? 0, slowest: times.at(-1) ?? 0 },
    failures: kinds.list(),
    outputs,
    forecast:
      ran === 0
        ? null
        : {
            duration: Math.round((elapsed / ran) * total),
            failed: Math.round((failed / settled) * total),
            concurrency: concurrency ?? 1,
          },
  };
}

/** The report as people read it. */
export function reportLines(report: SampleReport): string[] {
  const { rows, total, completed, failed, refusals, retries, durations, failures, outputs, forecast } =
    report;
  const lines = [
    `sample of ${count(rows)} of ${plural(total, 'row')}: ${count(completed)} completed, ${count(failed)} failed, ` +
      `${count(retries)} tried again, ${count(refusals)} refused`,
  ];
  if (durations !== null) {
    lines.push(
      `  a call took  ${duration(durations.median)} (median), ${duration(durations.slowest)} at most`,
    );
  }
  for (const { kind, count: n, row, message } of failures.slice(0, 5)) {
    lines.push(`  ${count(n)} × ${kind}, first in row ${row} of the sample: ${fit(message, 80)}`);
  }
  for (const { input, output } of outputs) {
    lines.push(`  ${fit(JSON.stringify(input), 60)} → ${fit(JSON.stringify(output) ?? 'nothing', 80)}`);
  }
  if (forecast !== null) {
    const rate = perSecond((total * 1000) / Math.max(1, forecast.duration));
    lines.push(
      `  forecast     ${plural(total, 'row')} take ${duration(forecast.duration)} at the pace of the sample (${rate}); ` +
        'less if the service takes more calls at once',
    );
    if (forecast.failed > 0) {
      lines.push(
        `               ${count(forecast.failed)} rows would fail (${percent(failed, completed + failed)})`,
      );
    }
  }
  return lines;
}
