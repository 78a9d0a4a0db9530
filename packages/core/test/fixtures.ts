// Small fresh things for the tests of the engine: a hub in virtual time, sources, and streams that a test holds in hand.
import { Hub } from '../src/hub.js';
import type { StorageAdapter } from '../src/storage/contract.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import type { Task } from '../src/task.js';
import { VirtualClock } from '../src/testing/virtual-clock.js';
import type { HubConfig, JobContext, SourceData, TaskConfig, TaskSourceLike } from '../src/types.js';

/** A hub over a store in memory, in virtual time; `run` lets the time pass that a promise needs. */
export interface Bench {
  clock: VirtualClock;
  adapter: StorageAdapter;
  hub: Hub;
  run<T>(promise: Promise<T>): Promise<T>;
  /** Another hub over the same store, as another process would be. */
  another(config?: HubConfig): Hub;
}

export function bench(adapter: StorageAdapter = new MemoryAdapter(), config: HubConfig = {}): Bench {
  const clock = new VirtualClock();
  const another = (given: HubConfig = config): Hub => new Hub(adapter, { ...given, ports: portsOf(clock) });
  return { clock, adapter, hub: another(), run: (promise) => clock.run(promise), another };
}

let seed = 0;

/** Virtual time, and chance that differs from hub to hub and is the same whenever a test file is run. */
export function portsOf(clock: VirtualClock): { clock: VirtualClock; random: () => number } {
  seed += 1;
  let state = seed;
  const random = (): number => {
    state = (state * 48_271) % (2 ** 31 - 1);
    return state / (2 ** 31 - 1);
  };
  return { clock, random };
}

/** A deterministic source whose handler gives the input back. */
export function listSource<T>(
  data: SourceData<T> | PromiseLike<SourceData<T>> | (() => SourceData<T> | PromiseLike<SourceData<T>>),
  rest: Partial<TaskSourceLike<T, unknown>> = {},
): TaskSourceLike<T, unknown> {
  return {
    type: 'deterministic',
    getData: typeof data === 'function' ? data : () => data,
    handler: (input: T) => input,
    ...rest,
  };
}

/** A dynamic source with the id `stream`, whose handler gives the input back. */
export function streamSource<T>(
  getData: () => SourceData<T> | PromiseLike<SourceData<T>>,
  rest: Partial<TaskSourceLike<T, unknown>> = {},
): TaskSourceLike<T, unknown> {
  return { type: 'dynamic', id: 'stream', getData, handler: (input: T) => input, ...rest };
}

/** An async iterable that gives what the test pushes, and waits in between. It can be read again from the start. */
export class Feed<T> implements AsyncIterable<T> {
  readonly items: T[] = [];
  /** Items handed out, over all readings. */
  given = 0;
  readings = 0;
  /** How often a reader was told to give up. */
  returned = 0;
  #ended = false;
  #error: unknown;
  readonly #waiting = new Set<() => void>();

  constructor(...items: T[]) {
    this.items.push(...items);
  }

  push(...items: T[]): void {
    this.items.push(...items);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  fail(error: unknown): void {
    this.#error = error;
    this.#wake();
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    this.readings += 1;
    let at = 0;
    return {
      next: async () => {
        for (;;) {
          if (at < this.items.length) {
            this.given += 1;
            return { done: false, value: this.items[at++] as T };
          }
          if (this.#error !== undefined) throw this.#error;
          if (this.#ended) return { done: true, value: undefined };
          await new Promise<void>((resolve) => this.#waiting.add(resolve));
        }
      },
      return: async () => {
        this.returned += 1;
        return { done: true, value: undefined };
      },
    };
  }

  #wake(): void {
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }
}

/** A handler that takes `ms` and then gives its input back; it obeys its signal. */
export function takes<T>(clock: VirtualClock, ms: number): (input: T, ctx: JobContext) => Promise<T> {
  return (input, ctx) =>
    new Promise((resolve, reject) => {
      const timer = clock.setTimeout(() => resolve(input), ms);
      ctx.signal.addEventListener('abort', () => {
        clock.clearTimeout(timer);
        reject(ctx.signal.reason);
      });
    });
}

/** `[0, 1, … count − 1]` */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it resolved');
}

/** Lets `ms` of virtual time pass inside a handler. */
export function sleep(clock: VirtualClock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.setTimeout(resolve, ms));
}

/** A handler that ignores its signal for `ms` and then gives its input back. */
export function deaf<T>(clock: VirtualClock, ms: number): (input: T) => Promise<T> {
  return async (input) => {
    await sleep(clock, ms);
    return input;
  };
}

/** A refusal, with a hint in ms if one is given. */
export function refusal(retryAfterMs?: number): Error {
  return Object.assign(new Error('slow down'), { status: 429, retryAfterMs });
}

/** An error that is worth another attempt. */
export function brokenPipe(): Error {
  return Object.assign(new Error('broken'), { code: 'EPIPE' });
}

/** A task of `count` jobs over a handler. */
export async function taskOf(
  { hub, run }: Bench,
  count: number,
  handler: TaskSourceLike<number, unknown>['handler'],
  { rules, ...config }: TaskConfig & { rules?: Partial<TaskSourceLike<number, unknown>> } = {},
): Promise<Task<number, unknown>> {
  const source = listSource(numbers(count), { handler, ...rules });
  return run(hub.createTask({ name: 'task', source, ...config }));
}

/** Everything that a task tells from now on, one line per event, in order; without its progress. */
export function heard(task: Task<number, unknown>): string[] {
  const lines: string[] = [];
  task.on('job:start', (job) => lines.push(`start ${job.input}`));
  task.on('job:complete', (job) => lines.push(`complete ${job.input}`));
  task.on('job:failed', (job, error) => lines.push(`failed ${job.input} ${error.message}`));
  task.on('job:retry', (job, attempt) => lines.push(`retry ${job.input} ${attempt}`));
  task.on('rate-limited', (concurrency) => lines.push(`rate-limited ${concurrency}`));
  task.on('completed', () => lines.push('completed'));
  task.on('error', (error) => lines.push(`error ${error.message}`));
  return lines;
}

/** The status of every job, in source order. */
export async function statuses({ run }: Bench, task: Task<number, unknown>): Promise<string[]> {
  return (await run(task.getResults())).map((job) => job.status);
}
