// A run of a job file: of all rows, or of a sample of them.
import type { RunSummary, Task } from '@shelchin/taskhub';
import type { RunCommand } from './commands/run.js';
import { createTask, type Rows, whileReading } from './create-task.js';
import type { Database } from './database.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Job } from './job-file.js';
import type { Output } from './output/output-file.js';
import { Results } from './output/run-results.js';
import { compare, findPrevious, type Previous } from './previous.js';
import { definitionFor } from './run-definition.js';
import { type RunEnd, runTask } from './run-task.js';
import {
  chooseEvenly,
  deleteSamples,
  reportLines,
  reportOf,
  sampleDefinition,
  withSample,
} from './sample.js';
import type { Stopper } from './stopper.js';
import type { Terminal } from './terminal.js';
import { comparisonText, count, duration, plural } from './text.js';

/** What a run works with. */
export interface RunParts {
  job: Job;
  rows: Rows;
  output: Output | undefined;
  database: Database;
  options: RunCommand;
  terminal: Terminal;
  stopper: Stopper;
}

/** Runs all rows, and writes their results. */
export async function runAll(parts: RunParts): Promise<ExitCode> {
  const { job, rows, database, options, terminal, output } = parts;
  closeOnSignal(parts);
  const previous = await previousOf(parts);
  const definition = await withSample(database, definitionFor(job, options, previous));
  const mayBeKnown = previous.newest !== undefined;
  const task = await createTask(database, definition, { ...rows, mayBeKnown }, terminal);
  await sayWhatIsThere(task, previous, parts);
  const results = output && new Results(task, output, options);
  const { summary, end } = await runTask(task, { ...parts, ...options });
  if (end === 'settled') {
    await deleteSamples(database, task.name);
    await results?.write();
  }
  return sayHowItWent(task, summary, end, parts);
}

/** Runs evenly chosen rows, and says what the whole would be like. */
export async function runSample(parts: RunParts, size: number): Promise<ExitCode> {
  const { job, rows, database, options, terminal } = parts;
  closeOnSignal(parts);
  const previous = await previousOf(parts);
  const definition = definitionFor(job, options, previous);
  const data = rows.input?.read(rows.rejects, rows.schema) ?? (await dataOf(job));
  const { chosen, total } = await whileReading(rows.input, terminal, () => chooseEvenly(data, size));
  const task = await database.hub.createTask(sampleDefinition(definition, chosen, previous.newest));
  const { summary, end, frame } = await runTask(task, { ...parts, ...options });
  if (end === 'settled') {
    const report = await reportOf(task, summary, frame, total);
    for (const line of reportLines(report)) terminal.say(line);
    if (options.json === true) await terminal.json(report);
  } else if (summary.halted !== undefined) terminal.say(terminal.colors.red(summary.halted.message));
  return exitCodeOf(end, summary);
}

async function* dataOf({ definition }: Job): AsyncGenerator<unknown> {
  const data = await definition.getData?.();
  if (data !== undefined) yield* data as Iterable<unknown>;
}

/** A signal ends the reading at once: nothing was sent yet. */
function closeOnSignal({ stopper, database }: RunParts): void {
  const close = (): void => void database.hub.close();
  stopper.steps({ gently: close, now: close });
}

async function previousOf({ job, database, options }: RunParts): Promise<Previous> {
  const version = options.version ?? job.definition.version;
  if (options.fresh === true) return { version, newest: undefined };
  return findPrevious(database.hub, job.definition.name, version);
}

async function sayWhatIsThere(task: Task, { newest }: Previous, parts: RunParts): Promise<void> {
  const { terminal, rows, database, options } = parts;
  const { totalJobs, completedJobs, failedJobs, duplicateInputs } = task;
  const { bold, yellow } = terminal.colors;
  const notes = [];
  if (duplicateInputs > 0) notes.push(`${plural(duplicateInputs, 'repeat')} skipped`);
  if (rows.rejects.total > 0)
    notes.push(`${plural(rows.rejects.total, 'invalid row')} left out, see ${rows.rejects.path}`);
  const from = rows.input === undefined ? '' : ` in ${rows.input.name}`;
  const note = notes.length > 0 ? ` (${notes.join('; ')})` : '';
  terminal.say(`${bold(task.name)}: ${plural(totalJobs, 'row')}${from}${note}`);
  if (totalJobs === 0 && task.type === 'deterministic') terminal.say('There are no rows: nothing to do.');
  if (!task.created) {
    const failed = failedJobs > 0 ? `, ${count(failedJobs)} of them failed` : '';
    terminal.say(`resumed ${count(completedJobs + failedJobs)} of ${count(totalJobs)}${failed}`);
  } else if (newest !== undefined && task.type === 'deterministic') {
    const numbers = await compare(database.hub, newest, task, options.key);
    const kept = `${plural(completedJobs, 'result is', 'results are')} kept`;
    terminal.say(
      `other data than the last time: ${comparisonText(numbers, options.key !== undefined)}; ${kept}`,
    );
  }
  if (task.status === 'running') terminal.say(yellow('Another process works on this task: they share it.'));
}

function exitCodeOf(end: RunEnd, { failed }: RunSummary): ExitCode {
  if (end === 'interrupted') return EXIT.interrupted;
  if (end !== 'settled') return EXIT.halted;
  return failed > 0 ? EXIT.someFailed : EXIT.completed;
}

async function sayHowItWent(
  task: Task,
  summary: RunSummary,
  end: RunEnd,
  parts: RunParts,
): Promise<ExitCode> {
  const { terminal, rows, options, output } = parts;
  const { total, completed, failed, ran, elapsed, reused, duplicates, halted } = summary;
  const { green, red, yellow, bold } = terminal.colors;
  const exitCode = exitCodeOf(end, summary);
  const paint = exitCode === EXIT.completed ? green : exitCode === EXIT.someFailed ? yellow : red;
  terminal.say(
    `${paint(bold(`${count(completed + failed)} of ${plural(total, 'row')} done`))}: ${count(completed)} completed, ` +
      `${count(failed)} failed; ${count(ran)} ran in ${duration(elapsed)}`,
  );
  if (halted !== undefined) terminal.say(red(halted.message));
  if (end === 'paused') terminal.say('The task was paused by another process.');
  const name = /^[\w.-]+$/.test(task.name) ? task.name : JSON.stringify(task.name);
  if (end !== 'settled') terminal.say('Run the same command again to go on.');
  else {
    if (failed > 0)
      terminal.say(`why: taskhub failures ${name}   again: taskhub retry ${name}, then this command`);
    terminal.say(`results: ${output?.name ?? `taskhub export ${name}`}`);
  }
  if (end !== 'settled' && output !== undefined) {
    terminal.say(`${output.name} is written when all rows are done. What there is: taskhub export ${name}`);
  }
  if (options.json === true) {
    await terminal.json({
      task: task.id,
      name: task.name,
      end,
      exitCode,
      ...{ total, completed, failed, ran, reused, duplicates, rejected: rows.rejects.total },
      elapsedMs: elapsed,
      out: end === 'settled' ? (options.out ?? null) : null,
      halted: halted?.message ?? null,
    });
  }
  return exitCode;
}
