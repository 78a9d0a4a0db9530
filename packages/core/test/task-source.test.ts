// behaviour.md, section 1: `TaskSource`, the class that users extend, and whatever has its shape.
import { describe, expect, test } from 'vitest';
import { TaskSource } from '../src/source.js';
import type { TaskSourceLike } from '../src/types.js';
import { bench, listSource } from './fixtures.js';

class Lengths extends TaskSource<string, number> {
  readonly type = 'deterministic';
  getData(): string[] {
    return ['a', 'bb'];
  }
  handler(input: string): number {
    return input.length;
  }
}

describe('TaskSource', () => {
  test('isRetryable, isRateLimited, retryAfter: hold the default rules', () => {
    const source = new Lengths();
    const broken = Object.assign(new Error('x'), { code: 'ECONNRESET' });
    const refused = Object.assign(new Error('x'), { status: 429, retryAfterMs: 1500 });
    expect([source.isRetryable(broken), source.isRetryable(new Error('x'))]).toEqual([true, false]);
    expect([source.isRateLimited(refused), source.isRateLimited(broken)]).toEqual([true, false]);
    expect([source.retryAfter(refused), source.retryAfter(broken)]).toEqual([1500, undefined]);
  });

  test("super.isRetryable: a rule of one's own can fall back on the default", async () => {
    const { hub, run } = bench();
    class Own extends Lengths {
      readonly attempts: string[] = [];
      override handler(input: string): number {
        this.attempts.push(input);
        throw Object.assign(new Error('x'), { code: input === 'a' ? 'EOWN' : 'EPIPE' });
      }
      override isRetryable(error: unknown): boolean {
        return (error as { code: string }).code === 'EOWN' || super.isRetryable(error);
      }
    }
    const source = new Own();
    await run((await run(hub.createTask({ name: 'n', source, retry: { maxAttempts: 2 } }))).start());
    expect(source.attempts.sort()).toEqual(['a', 'a', 'bb', 'bb']);
  });

  test('has no fields of its own, so that a getter or a method of a subclass is not hidden', async () => {
    const { hub } = bench();
    class Stream extends (TaskSource as abstract new () => object) {
      get type(): string {
        return 'dynamic';
      }
      get id(): string {
        return 'stream';
      }
      getData(): string[] {
        return ['a'];
      }
      handler(input: string): string {
        return input;
      }
    }
    const source = new Stream() as unknown as TaskSourceLike<string, string>;
    expect(Object.keys(source)).toEqual([]);
    expect((await hub.createTask({ name: 'n', source })).type).toBe('dynamic');
  });

  test('a class that does not extend it works, with private fields', async () => {
    const { hub, run } = bench();
    class Own {
      readonly type = 'deterministic';
      #calls = 0;
      getData(): number[] {
        return [1, 2];
      }
      handler(input: number): number {
        this.#calls += 1;
        return input + this.#calls;
      }
      getJobId(input: number): string {
        return `${this.#calls}-${input}`;
      }
    }
    const task = await run(hub.createTask({ name: 'n', source: new Own() }));
    expect(await run(task.start())).toMatchObject({ completed: 2 });
  });

  test('a frozen object without prototype works', async () => {
    const { hub, run } = bench();
    const source = Object.freeze(Object.assign(Object.create(null), listSource([1, 2])));
    const task = await run(hub.createTask({ name: 'n', source }));
    expect(await run(task.start())).toMatchObject({ completed: 2 });
    expect(await hub.resumeTask(task.id, source)).toBe(task);
  });
});
