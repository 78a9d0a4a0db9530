// The results of a task as text: a row for each settled job, with its input, in the order of the input.
import type { Job, Task } from '@shelchin/taskhub';
import { stringify } from 'csv-stringify/sync';
import type { Output } from './output-file.js';

export const OUTPUT_FORMATS = ['jsonl', 'csv'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export type SettledJob = Extract<Job, { status: 'completed' | 'failed' }>;

/** The format that the name of a file asks for. */
export function formatOf(path: string): OutputFormat {
  return path.toLowerCase().endsWith('.csv') ? 'csv' : 'jsonl';
}

export function isSettled(job: Job): job is SettledJob {
  return job.status === 'completed' || job.status === 'failed';
}

/** Writes the rows of one output: first `begin`, then each job. */
export interface RowWriter {
  /** Text before all rows. */
  begin(): string;
  row(job: SettledJob): string;
}

/** `{"input":…,"output":…}`, or `error` instead of `output`; without an output, just the input. */
export function jsonRow(job: SettledJob): string {
  const { input } = job;
  const row = job.status === 'completed' ? { input, output: job.output } : { input, error: job.failure };
  return `${JSON.stringify(row)}\n`;
}

const jsonLines: RowWriter = { begin: () => '', row: jsonRow };

/** @returns the writer; for CSV, all rows are read first, to know the columns */
export async function rowWriter(format: OutputFormat, task: Task): Promise<RowWriter> {
  if (format === 'jsonl') return jsonLines;
  const [inputs, outputs] = [new Set<string>(), new Set<string>()];
  let hasErrors = false;
  for await (const job of task.results()) {
    if (!isSettled(job)) continue;
    for (const column of Object.keys(fields(job.input, 'input'))) inputs.add(column);
    if (job.status === 'completed')
      for (const column of Object.keys(fields(job.output, 'output'))) outputs.add(column);
    else hasErrors = true;
  }
  /** A column of the output that the input has as well. */
  const titles = [...inputs, ...[...outputs].map((name) => (inputs.has(name) ? `output.${name}` : name))];
  if (hasErrors) titles.push('error');
  return {
    begin: () => stringify([titles]),
    row: (job) => {
      const input = fields(job.input, 'input');
      const output = job.status === 'completed' ? fields(job.output, 'output') : {};
      const cells = [...[...inputs].map((name) => input[name]), ...[...outputs].map((name) => output[name])];
      if (hasErrors) cells.push(job.status === 'failed' ? job.error : undefined);
      return stringify([cells.map(cell)]);
    },
  };
}

/** Writes all settled jobs. @returns their number */
export async function writeResults(
  task: Task,
  output: Output,
  writer: RowWriter,
  isWanted: (job: SettledJob) => boolean = () => true,
): Promise<number> {
  let rows = 0;
  for await (const job of task.results()) {
    if (!isSettled(job) || !isWanted(job)) continue;
    rows += 1;
    await output.write(writer.row(job));
  }
  return rows;
}

/** What is no object is one column of its own. */
function fields(value: unknown, name: string): { readonly [column: string]: unknown } {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { [name]: value };
  return value as { [column: string]: unknown };
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
