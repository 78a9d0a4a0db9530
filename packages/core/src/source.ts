// What users write: the class to extend, and a whole task as one object. Both become one shape for the engine.

import { isRateLimitedByDefault, isRetryableByDefault } from './classify.js';
import { systemClock } from './clock.js';
import { invalid } from './config.js';
import { retryAfterHint } from './hints.js';
import { checkedBy } from './schema.js';
import type {
  Inputs,
  JobContext,
  SourceData,
  StandardSchema,
  TaskConfig,
  TaskIdentityConfig,
  TaskSourceLike,
  TaskType,
} from './types.js';

/**
 * The inputs of a task and the function that works on one of them. Extend it, or use `defineTask`.
 *
 * @example
 * class Lengths extends TaskSource<string, number> {
 *   readonly type = 'deterministic';
 *   getData() { return ['a', 'bb']; }
 *   async handler(input: string) { return input.length; }
 * }
 */
export abstract class TaskSource<TInput, TOutput> implements TaskSourceLike<TInput, TOutput> {
  /** `deterministic`: `getData()` ends and is read before the run. `dynamic`: it is read while jobs run. */
  abstract readonly type: TaskType;
  /** Required for dynamic sources: with the name it is the identity of the task. */
  declare readonly id?: string | undefined;

  /** The inputs, in order: anything that can be iterated, also behind a promise. Called once per creation. */
  abstract getData(): SourceData<TInput> | PromiseLike<SourceData<TInput>>;

  /** Works on one input. What it returns is stored as JSON; what it throws is judged by the three methods below. */
  abstract handler(input: TInput, ctx: JobContext): TOutput | PromiseLike<TOutput>;

  /** Identity of an input, used as given. Leave it out to use a hash of the whole input. */
  getJobId?(input: TInput): string;

  /** Whether trying again may help. The default says yes to network errors, timeouts and HTTP 408, 425 and 5xx. */
  isRetryable(error: unknown): boolean {
    return isRetryableByDefault(error);
  }

  /** Whether the server refused for a limit: no fault of the job. The default says yes to HTTP 429 and 503. */
  isRateLimited(error: unknown): boolean {
    return isRateLimitedByDefault(error);
  }

  /** ms that the server asked to wait, if it did. The default reads `retryAfter(Ms)` and the usual headers. */
  retryAfter(error: unknown): number | undefined {
    return retryAfterHint(error, systemClock.now());
  }
}

interface DefinitionBase<TInput, TOutput> extends TaskIdentityConfig, TaskConfig {
  handler(input: TInput, ctx: JobContext): TOutput | PromiseLike<TOutput>;
  /** What inputs must be: checked as they are read; the handler gets what it makes of them. */
  input?: StandardSchema<TInput> | undefined;
  /** What results must be: what it makes of them is recorded; a job whose result it refuses has failed. */
  output?: StandardSchema<TOutput> | undefined;
  /** May be left out when `createTask(definition, { inputs })` brings the inputs. */
  getData?: (() => SourceData<TInput> | PromiseLike<SourceData<TInput>>) | undefined;
  getJobId?: ((input: TInput) => string) | undefined;
  isRetryable?: ((error: unknown) => boolean) | undefined;
  isRateLimited?: ((error: unknown) => boolean) | undefined;
  retryAfter?: ((error: unknown) => number | undefined) | undefined;
}

/** A whole task as one plain object; see {@link defineTask}. */
export type TaskDefinition<TInput, TOutput> = DefinitionBase<TInput, TOutput> &
  ({ type?: 'deterministic' | undefined; id?: string | undefined } | { type: 'dynamic'; id: string });

/**
 * Describes a whole task in one object: name, handler, data, rules and options. It does nothing but give the object
 * its types; pass the result to `hub.createTask`.
 *
 * @example
 * const lengths = defineTask({
 *   name: 'lengths',
 *   getData: () => ['a', 'bb'],
 *   handler: (input) => input.length,
 * });
 */
export function defineTask<TInput, TOutput>(
  definition: TaskDefinition<TInput, TOutput>,
): TaskDefinition<TInput, TOutput> {
  return definition;
}

/** Whether the first argument of `createTask` is a definition; otherwise it is options with a `source`. */
export function isDefinition(value: object): value is TaskDefinition<unknown, unknown> {
  return !('source' in value) && 'handler' in value;
}

/** The source of a definition; `inputs` take the place of its `getData`. */
export function sourceOf<TInput, TOutput>(
  definition: TaskDefinition<TInput, TOutput>,
  inputs?: Inputs<TInput> | undefined,
): TaskSourceLike<TInput, TOutput> {
  const { type = 'deterministic', id, getData, codec, input: schema, output } = definition;
  const data = (): SourceData<TInput> | PromiseLike<SourceData<TInput>> => {
    if (inputs !== undefined) return typeof inputs === 'function' ? inputs() : inputs;
    if (getData === undefined)
      throw invalid(`Task "${definition.name}" has no inputs: give getData or { inputs }.`);
    return getData.call(definition);
  };
  return {
    type,
    id,
    codec,
    getData: schema === undefined ? data : async () => checkedInputs(await data(), schema),
    handler:
      output === undefined
        ? (input, ctx) => definition.handler(input, ctx)
        : async (input, ctx) =>
            checkedBy(output, await definition.handler(input, ctx), 'OUTPUT_INVALID', 'The result'),
    ...(definition.getJobId && { getJobId: definition.getJobId.bind(definition) }),
    ...(definition.isRetryable && { isRetryable: definition.isRetryable.bind(definition) }),
    ...(definition.isRateLimited && { isRateLimited: definition.isRateLimited.bind(definition) }),
    ...(definition.retryAfter && { retryAfter: definition.retryAfter.bind(definition) }),
  };
}

/** The inputs as their schema makes them. */
async function* checkedInputs<TInput>(
  data: SourceData<TInput>,
  schema: StandardSchema<TInput>,
): AsyncGenerator<TInput> {
  const reader = readerOf(data);
  try {
    for (let index = 0; ; index += 1) {
      const step = await reader.next();
      if (step.done === true) return;
      yield await checkedBy(schema, step.value, 'INPUT_INVALID', `inputs[${index}]`);
    }
  } finally {
    reader.close();
  }
}

/** One iterator over whatever `getData()` may give, with `close` to give up on it. */
export interface InputReader<TInput> {
  next(): IteratorResult<TInput> | PromiseLike<IteratorResult<TInput>>;
  /** Tells the source that nothing more is read. Does not wait, and never throws. */
  close(): void;
}

/** Generators and streams that were read: they would go on where they were, or look empty. */
const spent = new WeakSet<object>();

/** @throws TypeError when `data` cannot be iterated, or not again */
export function readerOf<TInput>(data: SourceData<TInput>): InputReader<TInput> {
  const iterator = iteratorOf(data);
  if ((iterator as object) === data || 'getReader' in data) {
    if (spent.has(data)) throw new TypeError('getData() must give a new iterator or stream for each reading');
    spent.add(data);
  }
  return {
    next: () => iterator.next(),
    close() {
      try {
        // The run is over for the source; an error while it cleans up is nobody's.
        Promise.resolve(iterator.return?.()).catch(() => undefined);
      } catch {
        // As above.
      }
    },
  };
}

function iteratorOf<TInput>(data: SourceData<TInput>): Iterator<TInput> | AsyncIterator<TInput> {
  if (typeof data === 'object' && data !== null) {
    // A stream first: its iterator would not cancel it while a read is pending.
    if ('getReader' in data) {
      const reader = data.getReader();
      return {
        next: () => reader.read() as Promise<IteratorResult<TInput>>,
        return: () => reader.cancel() as Promise<never>,
      };
    }
    if (Symbol.asyncIterator in data) return data[Symbol.asyncIterator]();
    if (Symbol.iterator in data) return data[Symbol.iterator]();
  }
  throw new TypeError(`getData() gave ${data === null ? 'null' : typeof data}, which cannot be iterated`);
}
