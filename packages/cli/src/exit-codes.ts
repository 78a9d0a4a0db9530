// How the program ends, as a number for scripts.

/** Exit codes, in the order in which the help lists them. */
export const EXIT = {
  /** Everything that was asked for is done. */
  completed: 0,
  /** Every row is settled, and some failed for good. */
  someFailed: 1,
  /** Nothing was run: the arguments, the job file, the input or the database cannot be used. */
  usage: 2,
  /** The run ended before its rows were: by `--halt`, by `--until`, or because the storage failed. */
  halted: 3,
  /** Ctrl-C or SIGTERM. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The table as the help shows it. */
export const EXIT_CODES_HELP = `Exit codes:
  0    completed: every row has its result
  1    some rows failed for good
  2    not run: the arguments, the job file, the input or the database cannot be used
  3    ended early: by --halt, by --until, or because the storage failed
  130  interrupted: Ctrl-C or SIGTERM`;
