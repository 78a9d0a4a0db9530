// The commands, their options and their help.
import { isTaskHubError } from '@shelchin/taskhub';
import { Command, CommanderError, Option } from 'commander';
import { type ExportCommand, exportResults } from './commands/export.js';
import { type RunCommand, run } from './commands/run.js';
import { DEFAULT_DB } from './database.js';
import { EXIT, EXIT_CODES_HELP, type ExitCode } from './exit-codes.js';
import { INPUT_FORMATS } from './input/row.js';
import { parseConcurrency, parseDuration, parseHalt, parseUntil, parseWhole } from './options.js';
import { OUTPUT_FORMATS } from './output/results.js';
import { Terminal } from './terminal.js';
import { UsageError } from './usage-error.js';

const db = (): Option => new Option('--db <file>', 'the database of the tasks').default(DEFAULT_DB);
const json = (): Option => new Option('--json', 'write JSON to standard output');

/** Reads the arguments, does what they say, and gives the exit code. */
export async function runProgram(args: readonly string[]): Promise<ExitCode> {
  const terminal = new Terminal();
  let exit: ExitCode = EXIT.completed;
  const ends = (code: ExitCode): void => {
    exit = code;
  };
  const program = new Command('taskhub')
    .description(
      'Works through the rows of a file with a function of yours: resumable, adaptive, observable.',
    )
    .helpCommand(false)
    .showHelpAfterError('(--help shows what there is)')
    .configureOutput({
      writeOut: (text) => process.stdout.write(text),
      writeErr: (text) => process.stderr.write(text),
    })
    .exitOverride()
    .addHelpText('after', `\n${EXIT_CODES_HELP}`);

  program
    .command('run')
    .description('run a job over the rows of a file; run it again to go on where it was')
    .argument(
      '<job>',
      'job file: TypeScript or JavaScript with `export default defineTask({ name, handler })`',
    )
    .option('--in <file>', 'the rows; - is standard input')
    .addOption(
      new Option('--format <format>', 'what is in them; by default the name says').choices(INPUT_FORMATS),
    )
    .option('--out <file>', 'write the results there in the end (.jsonl or .csv); - is standard output')
    .addOption(
      new Option('--order <order>', 'order of the results: of the input, or as they come')
        .choices(['input', 'none'])
        .default('input'),
    )
    .addOption(db())
    .option('--concurrency <min..max>', 'bounds for calls at once (1..50)', parseConcurrency)
    .option('--retries <n>', 'further attempts after a failure (2)', parseWhole(0))
    .option('--timeout <time>', 'longest time of one call (30s)', parseDuration)
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
    .option('--rejects <file>', 'where rows that cannot be used are written', 'rejects.jsonl')
    .option('--grace <time>', 'how long calls may go on after Ctrl-C', parseDuration, 10_000)
    .addOption(json())
    .addHelpText(
      'after',
      `
Examples:
  taskhub run job.ts --in rows.jsonl --out results.jsonl
  taskhub run job.ts --in cities.csv --out results.csv --concurrency 1..20
  taskhub run job.ts --in new-rows.csv --key id        only new and changed rows are run
  cat urls.txt | taskhub run job.ts --in - --format lines --out -

${EXIT_CODES_HELP}`,
    )
    .action(async (job: string, options: RunCommand) => ends(await run(job, options, terminal)));

  program
    .command('export')
    .description('write the results that are there, in the order of the input')
    .argument('<task>', 'name or id of the task')
    .option('--out <file>', 'file; - is standard output', '-')
    .addOption(
      new Option('--format <format>', 'by default the name of the file says').choices(OUTPUT_FORMATS),
    )
    .addOption(db())
    .addHelpText(
      'after',
      `
Examples:
  taskhub export cities > results.jsonl
  taskhub export cities --out results.csv`,
    )
    .action(async (task: string, options: ExportCommand) =>
      ends(await exportResults(task, options, terminal)),
    );

  try {
    await program.parseAsync(args, { from: 'user' });
    return exit;
  } catch (error) {
    return failed(error, terminal);
  }
}

function failed(error: unknown, terminal: Terminal): ExitCode {
  const { red, dim } = terminal.colors;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.completed : EXIT.usage;
  if (error instanceof UsageError) {
    terminal.say(red(error.message));
    for (const line of error.lines) terminal.say(`  ${line}`);
    return EXIT.usage;
  }
  if (!isTaskHubError(error)) throw error;
  terminal.say(red(error.message));
  terminal.say(dim(error.code));
  return EXIT.usage;
}
