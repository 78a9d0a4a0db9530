// The command line as a function.

/**
 * Runs a command, as the binary `taskhub` does. Writes to standard output and standard error, and listens to signals
 * while a run goes on.
 *
 * @param args - what follows `taskhub`: `['run', 'job.ts', '--in', 'rows.csv']`
 * @returns the exit code; see `taskhub --help`
 */
export async function main(args: readonly string[]): Promise<number> {
  // Loaded with the first use only: the libraries look at the environment when they are loaded.
  const { runProgram } = await import('./program.js');
  return runProgram(args);
}
