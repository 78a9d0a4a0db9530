// The job file: JavaScript or TypeScript whose default export says what to do with a row.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, extname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { TaskDefinition, TaskSourceLike } from '@shelchin/taskhub';
import { createJiti } from 'jiti';
import type { Schema } from './schema.js';
import { oneLine } from './text.js';
import { UsageError } from './usage-error.js';

type AnyDefinition = TaskDefinition<unknown, unknown>;

/** What a job file says. */
export interface Job {
  /** As it was given on the command line. */
  path: string;
  /** Without `input`: rows that it refuses are to be listed. */
  definition: AnyDefinition;
  /** What rows must be; the handler gets what it makes of them. */
  input: Schema | undefined;
}

const METHODS = ['getData', 'handler', 'getJobId', 'isRetryable', 'isRateLimited', 'retryAfter'] as const;
const SHAPE = 'export default defineTask({ name, handler }), or a class that extends TaskSource';

/**
 * Runs a job file and looks at what it exports.
 *
 * @throws UsageError when there is none, it does not compile, throws, or exports something else
 */
export async function loadJob(path: string): Promise<Job> {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new UsageError(`There is no job file ${path}.`, ['`taskhub init` writes one to begin with.']);
  }
  const exported = await importFile(file);
  const found = defaultOf(exported.default);
  if (found === undefined) {
    const names = Object.keys(exported).filter((name) => name !== 'default');
    const others = names.length > 0 ? ` It exports ${names.join(', ')}.` : '';
    throw new UsageError(`${path} has no default export.${others}`, [`Write \`${SHAPE}\`.`]);
  }
  const definition = definitionOf(found, path);
  const input = schema(path, 'input', definition.input ?? exported.input);
  const output = schema(path, 'output', definition.output ?? exported.output);
  return { path, definition: { ...definition, input: undefined, output }, input };
}

/** CommonJS that was translated from a module has its default export in the default one. */
function defaultOf(value: unknown): unknown {
  const isModule = typeof value === 'object' && value !== null && 'default' in value && !('handler' in value);
  return isModule ? value.default : value;
}

/** The CLI's own copy takes the place of a package that is not installed beside the job file (`npx`). */
const TASKHUB = '@shelchin/taskhub';

async function importFile(file: string): Promise<Record<string, unknown>> {
  const { resolve: find } = createRequire(file);
  const alias: Record<string, string> = {};
  try {
    find(TASKHUB);
  } catch {
    alias[TASKHUB] = fileURLToPath(import.meta.resolve(TASKHUB));
  }
  const jiti = createJiti(pathToFileURL(file).href, { alias, fsCache: false, interopDefault: false });
  try {
    return await jiti.import<Record<string, unknown>>(file);
  } catch (error) {
    throw cannotLoad(file, error);
  }
}

function cannotLoad(file: string, error: unknown): UsageError {
  const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  const at = stack.split('\n').find((line) => line.includes(file) && /:\d+:\d+/.test(line));
  const lines = message.split('\n').slice(1, 12);
  if (at !== undefined && !message.includes(`${file}:`)) lines.push(oneLine(at));
  const title = message.split('\n')[0] ?? '';
  return new UsageError(`${basename(file)} cannot be loaded: ${name}: ${title}`, lines, { cause: error });
}

/** A definition as it is, a class or its instance as a definition. */
function definitionOf(found: unknown, path: string): AnyDefinition {
  const byName = basename(path, extname(path));
  if (typeof found === 'function') {
    const isClass = typeof found.prototype?.handler === 'function';
    if (!isClass) throw new UsageError(`${path} exports a function by default.`, [`Write \`${SHAPE}\`.`]);
    const Source = found as new () => TaskSourceLike<unknown, unknown> & { name?: unknown };
    return fromSource(new Source(), found.name || byName);
  }
  const isObject = typeof found === 'object' && found !== null;
  if (!isObject || typeof (found as Partial<AnyDefinition>).handler !== 'function') {
    throw new UsageError(`The default export of ${path} has no handler.`, [`Write \`${SHAPE}\`.`]);
  }
  const prototype: unknown = Object.getPrototypeOf(found);
  if (prototype !== Object.prototype && prototype !== null) {
    return fromSource(found as TaskSourceLike<unknown, unknown>, found.constructor.name || byName);
  }
  const definition = found as AnyDefinition;
  return { ...definition, name: definition.name ?? byName };
}

/** What sources may have besides what the engine asks of them. */
type SourceWithMore = TaskSourceLike<unknown, unknown> &
  Partial<Record<'name' | 'version' | 'input' | 'output', unknown>>;

function fromSource(source: SourceWithMore, byDefault: string): AnyDefinition {
  const { type = 'deterministic', id, codec, name, version, input, output } = source;
  const methods = METHODS.flatMap((method) => {
    const own = source[method] as ((...args: unknown[]) => unknown) | undefined;
    return typeof own === 'function' ? [[method, own.bind(source)]] : [];
  });
  return {
    ...(Object.fromEntries(methods) as Pick<AnyDefinition, (typeof METHODS)[number]>),
    ...(type === 'dynamic' ? { type, id: id ?? '' } : { type }),
    name: typeof name === 'string' ? name : byDefault,
    codec,
    ...(typeof version === 'string' && { version }),
    // Looked at by the caller.
    input: input as Schema | undefined,
    output: output as Schema | undefined,
  };
}

function schema(path: string, name: string, value: unknown): Schema | undefined {
  const { validate } = (value as Partial<Schema> | undefined)?.['~standard'] ?? {};
  if (value === undefined || typeof validate === 'function') return value as Schema | undefined;
  throw new UsageError(`\`${name}\` of ${path} is no Standard Schema (of zod, valibot, arktype, …).`);
}
