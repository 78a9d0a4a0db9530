// The job as the engine runs it: what the job file says, and on top of it the options of the command line.
import type { HaltConfig, TaskDefinition } from '@shelchin/taskhub';
import type { Job } from './job-file.js';
import { DEFAULT_HALT } from './options.js';
import type { Previous } from './previous.js';

/** Options of `taskhub run` that the engine is told of. Times in ms. */
export interface RunOptions {
  concurrency?: { min?: number; max: number };
  retries?: number;
  timeout?: number;
  halt?: HaltConfig;
  version?: string;
  fresh?: boolean;
}

type Definition = TaskDefinition<unknown, unknown>;

export function definitionFor(job: Job, options: RunOptions, previous: Previous): Definition {
  const own = job.definition;
  const { version, newest } = previous;
  return {
    ...own,
    version,
    ...(options.fresh === true ? { ifExists: 'restart' } : newest !== undefined && { reuse: newest.id }),
    concurrency: { ...own.concurrency, ...options.concurrency, ...initialInside(own, options) },
    retry: { ...own.retry, ...(options.retries !== undefined && { maxAttempts: options.retries + 1 }) },
    ...(options.timeout !== undefined && { timeout: options.timeout }),
    halt: haltOf(own.halt, options.halt),
  };
}

/** Whether to halt is asked by default, by the job and by the command line, the last one in place of the others. */
function haltOf(own: HaltConfig | undefined, given: HaltConfig | undefined): HaltConfig {
  if (given !== undefined) {
    const isNever = Object.keys(given).length === 0;
    return isNever ? given : { ...given, when: either(own?.when, DEFAULT_HALT.when) };
  }
  return { ...DEFAULT_HALT, ...own, when: either(own?.when, DEFAULT_HALT.when) };
}

function either(a: HaltConfig['when'], b: HaltConfig['when']): (error: unknown) => boolean {
  return (error) => a?.(error) === true || b?.(error) === true;
}

/** An `initial` of the job that the limits of the command line rule out is left out. */
function initialInside(own: Definition, { concurrency }: RunOptions): { initial?: undefined } {
  const initial = own.concurrency?.initial;
  if (concurrency === undefined || initial === undefined) return {};
  return initial < (concurrency.min ?? 1) || initial > concurrency.max ? { initial: undefined } : {};
}
