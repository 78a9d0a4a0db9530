// `taskhub run`: from a job file and an input to results in a file.
import { isTaskHubError, type RunSummary, type Task } from '@shelchin/taskhub';
import { type Database, openDatabase } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { Input } from '../input/input.js';
import { Rejects } from '../input/rejects.js';
import type { InputFormat } from '../input/row.js';
import { type Job, loadJob } from '../job-file.js';
import { openOutput } from '../output/open-output.js';
import { Results } from '../output/run-results.js';
import { compare, findPrevious, otherVersion, type Previous } from '../previous.js';
import { definitionFor, type RunOptions } from '../run-definition.js';
import { runTask } from '../run-task.js';
import { Stopper } from '../stopper.js';
import type { Terminal } from '../terminal.js';
import { count, duration, plural } from '../text.js';
import { UsageError } from '../usage-error.js';
import { openView, pictureOfText } from '../view/view.js';

export interface RunCommand extends RunOptions {
  in?: string;
  format?: InputFormat;
  out?: string;
  order: 'input' | 'none';
  db: string;
  grace: number;
  until?: number;
  key?: string;
  skipInvalid?: boolean;
  rejects: string;
  json?: boolean;
}

/** Runs a job, and says how it went. */
export async function run(path: string, options: RunCommand, terminal: Terminal): Promise<ExitCode> {
  const stopper = new Stopper(() => process.exit(EXIT.interrupted));
  try {
    // All that can be wrong is found before the first call.
    const job = await loadJob(path);
    const input = options.in === undefined ? undefined : await Input.open(options.in, options.format);
    if (input === undefined && job.definition.getData === undefined) {
      throw new UsageError(`${path} has no getData(), so the rows must come from a file. Pass --in FILE.`);
    }
    const rejects = new Rejects(options.rejects, options.skipInvalid === true);
    const output = options.out === undefined ? undefined : await openOutput(options.out, terminal);
    try {
      const database = await openDatabase(options.db);
      try {
        return await new Running({ job, input, rejects, output, database, options, terminal, stopper }).run();
      } finally {
        await database.hub.close();
      }
    } finally {
      await output?.discard();
    }
  } catch (error) {
    if (stopper.isStopped && isTaskHubError(error, 'HUB_CLOSED')) {
      terminal.say('Interrupted while the input was read: nothing was sent.');
      return EXIT.interrupted;
    }
    throw error;
  } finally {
    stopper.release();
  }
}

interface Parts {
  job: Job;
  input: Input | undefined;
  rejects: Rejects;
  output: Awaited<ReturnType<typeof openOutput>> | undefined;
  database: Database;
  options: RunCommand;
  terminal: Terminal;
  stopper: Stopper;
}

class Running {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async run(): Promise<ExitCode> {
    const { job, database, options, output } = this.#parts;
    const version = options.version ?? job.definition.version;
    const { name } = job.definition;
    const previous: Previous =
      options.fresh === true
        ? { version, newest: undefined }
        : await findPrevious(database.hub, name, version);
    const task = await this.#create(previous);
    await this.#sayWhatIsThere(task, previous);
    const results = output && new Results(task, output, options);
    const { summary, end } = await runTask(task, { ...this.#parts, ...options });
    if (end === 'settled') await results?.write();
    return this.#sayHowItWent(task, summary, end);
  }

  /** Reads the input into a task, or finds the one that has it. */
  async #create(previous: Previous): Promise<Task> {
    const { job, input, rejects, database, options, terminal, stopper } = this.#parts;
    const stop = (): void => void database.hub.close();
    stopper.steps({ gently: stop, now: stop });
    const definition = definitionFor(job, options, previous);
    const view = openView(
      terminal,
      pictureOfText(() => readingText(input)),
    );
    try {
      const inputs = input?.read(rejects, job.input);
      return await database.hub.createTask(definition, inputs && { inputs });
    } catch (error) {
      const cause = (error as Error).cause;
      // What the input threw comes as the cause of SOURCE_FAILED.
      if (cause instanceof UsageError) throw cause;
      if (isTaskHubError(error, 'SOURCE_MISMATCH') && 'stored' in error.details) {
        const { stored, given } = error.details as { stored: string | null; given: string };
        throw otherVersion(definition.name, given, stored);
      }
      throw error;
    } finally {
      view.end();
    }
  }

  async #sayWhatIsThere(task: Task, { newest }: Previous): Promise<void> {
    const { terminal, input, rejects, database, options } = this.#parts;
    const { totalJobs, completedJobs, failedJobs, duplicateInputs } = task;
    const { bold, dim } = terminal.colors;
    const notes = [];
    if (duplicateInputs > 0) notes.push(`${plural(duplicateInputs, 'repeat')} of a row skipped`);
    if (rejects.total > 0)
      notes.push(`${plural(rejects.total, 'invalid row')} left out, see ${rejects.path}`);
    const from = input === undefined ? '' : ` in ${input.name}`;
    terminal.say(
      `${bold(task.name)}: ${plural(totalJobs, 'row')}${from}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`,
    );
    if (totalJobs === 0 && task.type === 'deterministic')
      terminal.say('The input has no rows: nothing to do.');
    if (!task.created) {
      const failed = failedJobs > 0 ? `, ${count(failedJobs)} failed` : '';
      terminal.say(`resumed ${count(completedJobs + failedJobs)} of ${count(totalJobs)}${failed}`);
    } else if (newest !== undefined && task.type === 'deterministic') {
      const { added, changed, removed, unchanged } = await compare(database.hub, newest, task, options.key);
      const changes = options.key === undefined ? '' : `${count(changed)} changed, `;
      terminal.say(
        `other data than the last time: ${count(added)} new, ${changes}${count(removed)} removed, ` +
          `${count(unchanged)} unchanged; ${count(completedJobs)} results are kept`,
      );
    }
    if (task.status === 'running') terminal.say(dim('Another process works on this task: they share it.'));
  }

  async #sayHowItWent(
    task: Task,
    summary: RunSummary,
    end: 'settled' | 'interrupted' | 'until' | 'halted' | 'paused',
  ): Promise<ExitCode> {
    const { terminal, rejects, options, output } = this.#parts;
    const { total, completed, failed, ran, elapsed, reused, duplicates } = summary;
    const { green, red, yellow, bold } = terminal.colors;
    const settled = `${count(completed + failed)} of ${plural(total, 'row')} done`;
    const exit =
      end === 'interrupted'
        ? EXIT.interrupted
        : end !== 'settled'
          ? EXIT.halted
          : failed > 0
            ? EXIT.someFailed
            : EXIT.completed;
    const paint = exit === EXIT.completed ? green : exit === EXIT.someFailed ? yellow : red;
    terminal.say(
      `${paint(bold(settled))}: ${count(completed)} completed, ${count(failed)} failed; ` +
        `${count(ran)} ran in ${duration(elapsed)}`,
    );
    if (summary.halted !== undefined) terminal.say(red(summary.halted.message));
    if (end === 'paused') terminal.say('The task was paused by another process.');
    const name = JSON.stringify(task.name);
    if (end === 'settled' && failed > 0) {
      terminal.say(
        `See why: taskhub failures ${name}. To run them again: taskhub retry ${name}, then this command.`,
      );
    }
    if (end !== 'settled') {
      terminal.say(
        `Run the same command again to go on.${options.out === undefined ? '' : ` ${options.out} is not written yet.`}`,
      );
    } else if (output !== undefined && output.name !== 'standard output') {
      terminal.say(`results: ${output.name}`);
    } else if (output === undefined) {
      terminal.say(`results: taskhub export ${name}`);
    }
    if (options.json === true) {
      await terminal.json({
        task: task.id,
        name: task.name,
        end,
        exitCode: exit,
        total,
        completed,
        failed,
        ran,
        reused,
        duplicates,
        rejected: rejects.total,
        elapsedMs: elapsed,
        out: end === 'settled' ? (options.out ?? null) : null,
        halted: summary.halted?.message ?? null,
      });
    }
    return exit;
  }
}

function readingText(input: Input | undefined): string {
  if (input === undefined) return 'reading the data';
  const { rows, share } = input.progress;
  return `reading ${input.name}: ${plural(rows, 'row')}${share === null ? '' : ` (${Math.floor(share * 100)} %)`}`;
}
