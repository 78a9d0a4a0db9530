// What users pass to a hub, checked and taken apart.
import { checkOptions, completeConfig, invalid, mergeConfig, OPTION_RULES } from './config.js';
import type { Work } from './jobs-in-hand.js';
import { isDefinition, sourceOf, type TaskDefinition } from './source.js';
import type { StoredOptions } from './stored-options.js';
import type { CreateTaskOptions, Inputs, TaskConfig, TaskIdentityConfig, TaskSourceLike } from './types.js';

type AnySource = TaskSourceLike<unknown, unknown>;

/**
 * Checks what `createTask` was given.
 *
 * @throws TaskHubError INVALID_CONFIG
 */
export function readArguments(
  options: object,
  extra: { inputs?: Inputs<unknown> | undefined },
): { identity: TaskIdentityConfig; config: TaskConfig; source: AnySource } {
  if (typeof options !== 'object' || options === null)
    throw invalid('createTask needs an object with a source.');
  const isWhole = isDefinition(options);
  const rules = isWhole ? OPTION_RULES.defineTask : OPTION_RULES.createTask;
  const given = checkOptions<CreateTaskOptions<unknown, unknown>>(
    isWhole ? 'task' : 'options',
    options,
    rules,
  );
  checkOptions('inputs', extra, OPTION_RULES.inputs);
  const { name, version, ifExists, reuse, duplicates, concurrency, retry, timeout, ...others } = given;
  const { stopGrace, lookAhead, progressInterval, halt, codec } = others;
  if (name === undefined) throw invalid('createTask needs a `name`.', { option: 'name' });
  if (ifExists === 'restart' && reuse) {
    throw invalid("ifExists: 'restart' runs everything again, and reuse keeps results: give one of them.");
  }
  const source = isWhole
    ? sourceOf(options as TaskDefinition<unknown, unknown>, extra.inputs)
    : checkSource(given.source as unknown);
  if (source.type === 'dynamic' && (typeof source.id !== 'string' || source.id === '')) {
    throw invalid(
      `The dynamic source of task "${name}" needs an \`id\`: with the name it identifies the task.`,
      {
        option: 'source.id',
      },
    );
  }
  return {
    identity: { name, version, ifExists, reuse, duplicates },
    config: defined({ concurrency, retry, timeout, stopGrace, lookAhead, progressInterval, halt, codec }),
    source,
  };
}

/** The source that `resumeTask` was given, and what a definition brings with it. @throws TaskHubError INVALID_CONFIG */
export function readSource(source: AnySource | TaskDefinition<unknown, unknown>): {
  source: AnySource;
  config: TaskConfig;
  version?: string | undefined;
} {
  // Sources of a class may have a name as well.
  const isWhole = isPlain(source) && 'name' in source;
  if (!isWhole) return { source: checkSource(source), config: {} };
  const { config, source: own, identity } = readArguments(source, {});
  return { config, source: own, version: identity.version };
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** @throws TaskHubError INVALID_CONFIG when it has not the shape of a source */
export function checkSource(source: unknown): AnySource {
  const { type, handler, getData } = (source ?? {}) as Partial<AnySource>;
  const isUsable = typeof handler === 'function' && typeof getData === 'function';
  if (isUsable && (type === 'deterministic' || type === 'dynamic')) return source as AnySource;
  throw invalid(
    "A source needs `type` ('deterministic' or 'dynamic'), `getData()` and `handler(input, ctx)`; extend TaskSource " +
      'or use defineTask.',
    { option: 'source' },
  );
}

/** What jobs are run with: the stored options, and on top of them what was given in this process. */
export function workWith(source: AnySource, options: StoredOptions, config: TaskConfig): Work {
  const merged = mergeConfig(options.config, config);
  return { source, config: completeConfig(merged), codec: config.codec ?? source.codec };
}

function defined(config: TaskConfig): TaskConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}
