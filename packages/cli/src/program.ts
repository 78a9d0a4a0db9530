// The commands, their options and their help.
import { createRequire } from 'node:module';
import { isTaskHubError } from '@shelchin/taskhub';
import { Command, CommanderError, Option } from 'commander';
import { type DeleteCommand, deleteTask } from './commands/delete.js';
import { type DiffCommand, diff } from './commands/diff.js';
import { type ExportCommand, exportResults } from './commands/export.js';
import { type FailuresCommand, failures } from './commands/failures.js';
import { init } from './commands/init.js';
import { type ListCommand, list } from './commands/list.js';
import { type RetryCommand, retry } from './commands/retry.js';
import { type RunCommand, run } from './commands/run.js';
import { type StatusCommand, status } from './commands/status.js';
import { type WatchCommand, watch } from './commands/watch.js';
import { DEFAULT_DB } from './database.js';
import { EXIT, EXIT_CODES_HELP, type ExitCode } from './exit-codes.js';
import { INPUT_FORMATS } from './input/row.js';
import { parseConcurrency, parseDuration, parseHalt, parseUntil, parseWhole } from './options.js';
import { OUTPUT_FORMATS } from './output/results.js';
import { RunEndedEarly } from './run-task.js';
import { Terminal } from './terminal.js';
import { UsageError } from './usage-error.js';
import { parseWhere } from './where.js';

const TASK = 'name or id of the task; of one name, the newest';

/** Reads the arguments, does what they say, and gives the exit code. */
export async function runProgram(args: readonly string[]): Promise<ExitCode> {
  const terminal = new Terminal();
  let exit: ExitCode = EXIT.completed;
  /** The action of a command: what it comes to is how the program ends. */
  const ending =
    <T extends unknown[]>(act: (...given: [...T, Terminal]) => Promise<ExitCode>) =>
    async (...given: [...T, ...unknown[]]): Promise<void> => {
      // Commander adds the command itself as the last argument.
      exit = await act(...(given.slice(0, -1) as T), terminal);
    };
  const program = new Command('taskhub')
    .description(
      'Works through the rows of a file with a function of yours: resumable, adaptive, observable.',
    )
    .version(packageVersion(), '-V, --version')
    .enablePositionalOptions()
    .helpCommand(false)
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride()
    .addHelpText('after', `\n${EXIT_CODES_HELP}\n\nExamples of a command: taskhub run --help`);
  // Each command gets what the program has been told so far.
  const command = (name: string, description: string, ...examples: string[]): Command =>
    program
      .command(name)
      .description(description)
      .addOption(new Option('--db <file>', 'the database of the tasks').default(DEFAULT_DB))
      .addHelpText('after', ['', 'Examples:', ...examples.map((example) => `  ${example}`)].join('\n'));
  const json = ['--json', 'write JSON to standard output'] as const;

  command(
    'run',
    'run a job over the rows of a file; run it again to go on where it was',
    'taskhub run job.ts --in rows.jsonl --out results.jsonl',
    'taskhub run job.ts --in cities.csv --sample 20            try 20 rows, and see what the whole would be like',
    'taskhub run job.ts --in cities.csv --out results.csv --concurrency 1..20 --halt rate=5%/1000',
    'taskhub run job.ts --in new-cities.csv --key id           only new and changed rows are run',
    'cat urls.txt | taskhub run job.ts --in - --format lines --out -',
  )
    .argument('<job>', 'TypeScript or JavaScript with `export default defineTask({ name, handler })`')
    .option('--in <file>', 'the rows; - is standard input')
    .addOption(
      new Option('--format <format>', 'what is in them; by default the name says').choices(INPUT_FORMATS),
    )
    .option('--out <file>', 'write the results there in the end (.jsonl or .csv); - is standard output')
    .addOption(
      new Option('--order <order>', 'results in the order of the input, or none: as they come')
        .choices(['input', 'none'])
        .default('input'),
    )
    .option('--concurrency <min..max>', 'bounds for calls at once (1..50)', parseConcurrency)
    .option('--retries <n>', 'further attempts after a failure (2)', parseWhole(0))
    .option('--timeout <time>', 'longest time of one call (30s)', parseDuration)
    .option('--sample <n>', 'run n evenly chosen rows only, and forecast the whole', parseWhole(1))
    .option('--dry-run', 'read and check all rows, and call nothing')
    .option(
      '--halt <rule>',
      'failures=N, rate=5%/1000 or never; by default when the first 20 rows all fail, or a result cannot be stored',
      parseHalt,
    )
    .option('--until <hh:mm>', 'stop at this time of day', (text) => parseUntil(text))
    .option('--version <version>', 'version of the job, instead of the one that it names')
    .option('--fresh', 'forget earlier results, and run everything')
    .option('--key <field>', 'field that names a row, to tell changed rows from new ones')
    .option('--skip-invalid', 'go on without rows that cannot be used')
    .option('--rejects <file>', 'where rows that cannot be used are listed', 'rejects.jsonl')
    .option('--grace <time>', 'how long calls may go on after Ctrl-C (10s)', parseDuration, 10_000)
    .option(...json)
    .addHelpText('after', `\n${EXIT_CODES_HELP}`)
    .action(ending<[string, RunCommand]>(run));

  command('list', 'list the tasks, newest first', 'taskhub list', 'taskhub list --json | jq .[].name')
    .option(...json)
    .action(ending<[ListCommand]>(list));

  command(
    'status',
    'show how far a task is, whoever runs it',
    'taskhub status',
    'taskhub status cities --json',
  )
    .argument('[task]', `${TASK}; by default the newest of all`)
    .option(...json)
    .action(ending<[string | undefined, StatusCommand]>(status));

  command('watch', 'follow a task that another process runs, to its end', 'taskhub watch cities')
    .argument('[task]', `${TASK}; by default the newest of all`)
    .option(...json)
    .action(ending<[string | undefined, WatchCommand]>(watch));

  command(
    'failures',
    'show the rows that failed for good, or their kinds',
    'taskhub failures cities --group',
    'taskhub failures cities --where status=404 --json',
  )
    .argument('[task]', `${TASK}; by default the newest of all`)
    .option('--group', 'count them by kind')
    .option(
      '--where <condition>',
      'code=, status=, name= or message= (a part of it); several with commas',
      parseWhere,
    )
    .option(...json)
    .action(ending<[string | undefined, FailuresCommand]>(failures));

  command(
    'retry',
    'put failed rows back, for the next run',
    'taskhub retry cities',
    'taskhub retry cities --where code=HTTP_ERROR,status=500',
  )
    .argument('<task>', TASK)
    .option(
      '--where <condition>',
      'code=, status=, name= or message= (a part of it); several with commas',
      parseWhere,
    )
    .option(...json)
    .action(ending<[string, RetryCommand]>(retry));

  command(
    'export',
    'write the results that there are, in the order of the input',
    'taskhub export cities > results.jsonl',
    'taskhub export cities --out results.csv',
  )
    .argument('<task>', TASK)
    .option('--out <file>', 'file; - is standard output', '-')
    .addOption(
      new Option('--format <format>', 'by default the name of the file says').choices(OUTPUT_FORMATS),
    )
    .action(ending<[string, ExportCommand]>(exportResults));

  command('diff', 'count how the rows of two tasks differ', 'taskhub diff 2f074fc7 91c2b0aa --key id')
    .argument('<a>', TASK)
    .argument('<b>', TASK)
    .option('--key <field>', 'field that names a row, to tell changed rows from new ones')
    .option(...json)
    .action(ending<[string, string, DiffCommand]>(diff));

  command('delete', 'delete a task with its results', 'taskhub delete cities')
    .argument('<task>', TASK)
    .option('--force', 'also when a process works on it, which then stops')
    .option(...json)
    .action(ending<[string, DeleteCommand]>(deleteTask));

  program
    .command('init')
    .description('write a job file to begin with')
    .argument('[file]', 'where', 'job.ts')
    .addHelpText('after', '\nExamples:\n  taskhub init\n  taskhub init jobs/cities.mjs')
    .action(ending<[string]>((file) => init(file, terminal)));

  try {
    await program.parseAsync(args, { from: 'user' });
    return exit;
  } catch (error) {
    return failed(error, terminal);
  }
}

/** Of this package. */
function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  return version;
}

function failed(error: unknown, terminal: Terminal): ExitCode {
  const { red, dim } = terminal.colors;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.completed : EXIT.usage;
  if (error instanceof UsageError) {
    terminal.say(red(error.message));
    for (const line of error.lines) terminal.say(`  ${line}`);
    return EXIT.usage;
  }
  const cause = error instanceof RunEndedEarly ? error.cause : error;
  if (!isTaskHubError(cause)) throw cause;
  terminal.say(red(cause.message));
  terminal.say(dim(cause.code));
  if (cause === error) return EXIT.usage;
  terminal.say('The run ended early. Run the same command again to go on.');
  return EXIT.halted;
}
