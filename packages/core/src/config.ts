// Options: their rules and defaults as tables, and the complete form the engine works with.
import { TaskHubError } from './errors.js';
import type { LimitConfig } from './limit/controller.js';
import type {
  Codec,
  ConcurrencyConfig,
  HaltConfig,
  RetryConfig,
  StandardSchema,
  TaskConfig,
} from './types.js';

/** The documented knobs of the AIMD controller. */
export interface AIMDConfig {
  initialConcurrency: number;
  minConcurrency: number;
  maxConcurrency: number;
  additiveIncrease: number;
  multiplicativeDecrease: number;
  successThreshold: number;
}

/** Defaults of the AIMD controller, in jobs. */
export const DEFAULT_AIMD_CONFIG: Readonly<AIMDConfig> = {
  initialConcurrency: 5,
  minConcurrency: 1,
  maxConcurrency: 50,
  additiveIncrease: 1,
  multiplicativeDecrease: 0.5,
  successThreshold: 10,
};

/** The controller where none is named, also in options that were stored without one. */
const DEFAULT_ALGORITHM: RunConfig['algorithm'] = 'adaptive';

/** Defaults of `concurrency`, in jobs. */
export const DEFAULT_CONCURRENCY_CONFIG: Readonly<{ min: number; max: number; initial: number }> = {
  min: DEFAULT_AIMD_CONFIG.minConcurrency,
  max: DEFAULT_AIMD_CONFIG.maxConcurrency,
  initial: DEFAULT_AIMD_CONFIG.initialConcurrency,
};

/** Defaults of `retry`; delays in ms. */
export const DEFAULT_RETRY_CONFIG: Readonly<Complete<RetryConfig>> = {
  maxAttempts: 3,
  baseDelay: 1000,
  maxDelay: 30_000,
  jitter: 0.5,
  maxThrottles: Number.POSITIVE_INFINITY,
  maxCrashes: 3,
};

type Complete<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };

/** Options with every default filled in: what a run works with. */
export interface RunConfig {
  limit: LimitConfig;
  algorithm: NonNullable<ConcurrencyConfig['algorithm']>;
  retry: Complete<RetryConfig>;
  /** ms, Infinity for no limit. */
  timeout: number;
  stopGrace: number;
  lookAhead: number;
  progressInterval: number;
  halt: HaltConfig;
}

/** One rule: what a value must be, in words, and whether it is. */
interface Rule {
  readonly must: string;
  readonly ok: (value: unknown) => boolean;
}
const number = (must: string, ok: (value: number) => boolean): Rule => ({
  must,
  ok: (value) => typeof value === 'number' && ok(value),
});
const whole = (least: number): Rule =>
  number(`a whole number ≥ ${least}`, (n) => Number.isSafeInteger(n) && n >= least);
const ms: Rule = number('a finite number of ms ≥ 0', (n) => Number.isFinite(n) && n >= 0);
const oneOf = (...values: string[]): Rule => ({
  must: values.map((value) => `'${value}'`).join(' or '),
  ok: (value) => values.includes(value as string),
});
const text: Rule = { must: 'a text that is not empty', ok: (v) => typeof v === 'string' && v !== '' };
const func: Rule = { must: 'a function', ok: (value) => typeof value === 'function' };
const object: Rule = { must: 'an object', ok: (value) => typeof value === 'object' && value !== null };

type Rules = { readonly [key: string]: Rule | Rules };

const isRule = (rule: Rule | Rules): rule is Rule => typeof rule.ok === 'function';

/** Options of a task that can be given at creation and again on resume. */
const RUN_RULES: Rules = {
  concurrency: {
    min: whole(1),
    max: whole(1),
    initial: whole(1),
    algorithm: oneOf('aimd', 'adaptive'),
    additiveIncrease: whole(1),
    multiplicativeDecrease: number('a number above 0 and below 1', (n) => n > 0 && n < 1),
    successThreshold: whole(1),
  },
  retry: {
    maxAttempts: whole(1),
    baseDelay: ms,
    maxDelay: ms,
    jitter: number('a number from 0 to 1', (n) => n >= 0 && n <= 1),
    maxThrottles: number(
      'a whole number ≥ 1, or Infinity',
      (n) => n === Number.POSITIVE_INFINITY || (Number.isSafeInteger(n) && n >= 1),
    ),
    maxCrashes: whole(1),
  },
  timeout: number('a number of ms ≥ 0 (0 or Infinity: no limit)', (n) => n >= 0),
  stopGrace: ms,
  lookAhead: whole(1),
  progressInterval: ms,
  halt: {
    failures: whole(1),
    firstFailures: whole(1),
    failureRate: { rate: number('a number above 0, up to 1', (n) => n > 0 && n <= 1), of: whole(1) },
    when: func,
  },
  codec: { encode: func, decode: func },
};

/** Options that belong to the creation of a task. */
const IDENTITY_RULES: Rules = {
  name: text,
  version: { must: 'a text', ok: (value) => typeof value === 'string' },
  ifExists: oneOf('resume', 'retry', 'restart', 'error'),
  reuse: {
    must: 'true, false, or the id of a task',
    ok: (value) => typeof value === 'boolean' || (typeof value === 'string' && value !== ''),
  },
  duplicates: oneOf('skip', 'error', 'run'),
};

const schema: Rule = {
  must: 'a Standard Schema (of zod, valibot, arktype, …)',
  ok: (value) => typeof (value as StandardSchema<unknown> | null)?.['~standard']?.validate === 'function',
};

/** What `defineTask` takes besides options. */
const SOURCE_RULES: Rules = {
  input: schema,
  output: schema,
  type: oneOf('deterministic', 'dynamic'),
  id: text,
  getData: func,
  handler: func,
  getJobId: func,
  isRetryable: func,
  isRateLimited: func,
  retryAfter: func,
};

/** Options by where they are given. */
export const OPTION_RULES: Readonly<
  Record<
    | 'createTask'
    | 'defineTask'
    | 'inputs'
    | 'resumeTask'
    | 'listTasks'
    | 'compare'
    | 'close'
    | 'retryFailed'
    | 'hub',
    Rules
  >
> = {
  createTask: { ...IDENTITY_RULES, ...RUN_RULES, source: object },
  defineTask: { ...IDENTITY_RULES, ...RUN_RULES, ...SOURCE_RULES },
  inputs: {
    inputs: {
      must: 'data that can be iterated, or a function that gives it',
      ok: (v) => object.ok(v) || func.ok(v),
    },
  },
  resumeTask: RUN_RULES,
  listTasks: { name: text, status: oneOf('idle', 'running', 'paused', 'completed', 'failed') },
  compare: { key: func },
  close: { grace: ms },
  retryFailed: { where: func },
  hub: { leaseMs: whole(1000), ports: object },
};

/**
 * Checks options against their rules and drops the undefined ones.
 *
 * @param where - how the options are called in messages
 * @returns a copy without undefined values
 * @throws TaskHubError INVALID_CONFIG with the option, its value and what is allowed
 */
export function checkOptions<T extends object>(where: string, options: unknown, rules: Rules): T {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalid(`${where} must be an object, not ${show(options)}.`, { option: where });
  }
  const checked: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    const name = `${where}.${key}`;
    if (rule === undefined) {
      const near = nearest(key, Object.keys(rules));
      throw invalid(`There is no option ${name}. Did you mean \`${near}\`?`, { option: name, nearest: near });
    }
    if (value === undefined) continue;
    if (!isRule(rule)) checked[key] = checkOptions(name, value, rule);
    else if (rule.ok(value)) checked[key] = value;
    else
      throw invalid(`${name} must be ${rule.must}, not ${show(value)}.`, {
        option: name,
        value: show(value),
      });
  }
  return checked as T;
}

/**
 * Fills in the defaults.
 *
 * @throws TaskHubError INVALID_CONFIG when options contradict each other
 */
export function completeConfig(config: TaskConfig): RunConfig {
  const { min: least, max: most, initial, algorithm, ...knobs } = config.concurrency ?? {};
  const min = least ?? Math.min(DEFAULT_CONCURRENCY_CONFIG.min, most ?? Number.POSITIVE_INFINITY);
  const max = most ?? Math.max(DEFAULT_CONCURRENCY_CONFIG.max, min);
  if (min > max) {
    throw invalid(`concurrency.min (${min}) must not be above concurrency.max (${max}).`, { min, max });
  }
  if (initial !== undefined && (initial < min || initial > max)) {
    throw invalid(`concurrency.initial (${initial}) must be from min (${min}) to max (${max}).`, {
      initial,
      min,
      max,
    });
  }
  const retry = defined({ ...DEFAULT_RETRY_CONFIG }, config.retry);
  if (config.retry?.maxDelay === undefined) retry.maxDelay = Math.max(retry.maxDelay, retry.baseDelay);
  if (retry.maxDelay < retry.baseDelay) {
    throw invalid(
      `retry.maxDelay (${retry.maxDelay}) must not be below retry.baseDelay (${retry.baseDelay}).`,
      {
        ...retry,
      },
    );
  }
  const halt = config.halt ?? {};
  if (halt.failureRate !== undefined) {
    // Half of the pair says nothing.
    for (const key of ['rate', 'of'] as const) {
      if (halt.failureRate[key] === undefined)
        throw invalid(`halt.failureRate needs \`${key}\`.`, { option: key });
    }
  }
  const { encode, decode } = (config.codec ?? {}) as Partial<Codec>;
  if (config.codec !== undefined && !(encode && decode)) {
    throw invalid('codec needs both `encode` and `decode`.', { option: 'codec' });
  }
  const timeout = config.timeout ?? 30_000;
  const limit: LimitConfig = {
    min,
    max,
    initial: initial ?? Math.min(max, Math.max(min, DEFAULT_CONCURRENCY_CONFIG.initial)),
    additiveIncrease: knobs.additiveIncrease ?? DEFAULT_AIMD_CONFIG.additiveIncrease,
    multiplicativeDecrease: knobs.multiplicativeDecrease ?? DEFAULT_AIMD_CONFIG.multiplicativeDecrease,
    successThreshold: knobs.successThreshold ?? DEFAULT_AIMD_CONFIG.successThreshold,
    timeout: timeout === 0 ? Number.POSITIVE_INFINITY : timeout,
  };
  return {
    limit,
    algorithm: algorithm ?? DEFAULT_ALGORITHM,
    retry,
    timeout: limit.timeout,
    stopGrace: config.stopGrace ?? 5000,
    lookAhead: config.lookAhead ?? 1000,
    progressInterval: config.progressInterval ?? 200,
    halt,
  };
}

/** `over` on top of `base`, group by group; `halt` is taken whole, since a rule of it could not be left out otherwise. An `initial` that the new limits rule out is not carried over. */
export function mergeConfig(base: TaskConfig, over: TaskConfig): TaskConfig {
  const merged: TaskConfig = { ...base, ...over };
  if (base.concurrency && over.concurrency) {
    const { initial = 0, ...limits } = { ...base.concurrency, ...over.concurrency };
    const isOutside = initial < (limits.min ?? 1) || initial > (limits.max ?? initial);
    merged.concurrency =
      isOutside && over.concurrency.initial === undefined ? limits : { ...limits, initial };
  }
  if (base.retry && over.retry) merged.retry = { ...base.retry, ...over.retry };
  return merged;
}

/** The part of options that can be stored: no functions; Infinity is what JSON has no word for, so 0 or absent. */
export function storableConfig(config: TaskConfig): TaskConfig {
  const { codec: _codec, halt, timeout, retry, ...rest } = config;
  const stored: TaskConfig = { ...rest };
  if (timeout !== undefined) stored.timeout = Number.isFinite(timeout) ? timeout : 0;
  if (retry !== undefined) {
    const { maxThrottles, ...others } = retry;
    stored.retry = Number.isFinite(maxThrottles ?? Number.NaN) ? retry : others;
  }
  if (halt !== undefined) {
    const { when: _when, ...others } = halt;
    stored.halt = others;
  }
  return stored;
}

/** @returns an INVALID_CONFIG error */
export function invalid(message: string, details: Record<string, unknown> = {}): TaskHubError {
  return new TaskHubError('INVALID_CONFIG', message, { details });
}

function defined<T extends object>(
  base: T,
  over: Partial<T> | { [K in keyof T]?: T[K] | undefined } = {},
): T {
  for (const [key, value] of Object.entries(over))
    if (value !== undefined) base[key as keyof T] = value as T[keyof T];
  return base;
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 60)}'`;
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}

/** The known word with the fewest edits to `word` (Levenshtein distance). */
export function nearest(word: string, known: readonly string[]): string {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) {
        const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
        next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitute));
      }
      row = next;
    }
    return row[b.length] ?? 0;
  };
  const lower = word.toLowerCase().slice(0, 60);
  return (
    [...known].sort((a, b) => distance(lower, a.toLowerCase()) - distance(lower, b.toLowerCase()))[0] ?? ''
  );
}
