import { describe, expect, test } from 'vitest';
import { HttpError } from '../src/http.js';
import { Hub } from '../src/hub.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import type { JobContext, TaskConfig } from '../src/types.js';
import { type Bench, bench, portsOf, sleep, taskOf } from './fixtures.js';

type Fetch = typeof globalThis.fetch;

/** A bench whose handlers' `ctx.fetch` ends in `answer`. */
function online(answer: (init: RequestInit, call: number) => Response | Promise<Response>) {
  const base = bench();
  let calls = 0;
  const fetch = (async (_url: unknown, init: RequestInit = {}) => answer(init, ++calls)) as Fetch;
  const hub = new Hub(new MemoryAdapter(), { ports: { ...portsOf(base.clock), fetch } });
  const world: Bench = { ...base, hub };
  const task = (
    count: number,
    handler: (input: number, ctx: JobContext) => unknown,
    config: TaskConfig = {},
  ) => taskOf(world, count, handler, config);
  return { ...world, task };
}
const get = async (_: number, ctx: JobContext): Promise<unknown> =>
  (await ctx.fetch('https://api.test/')).json();

describe('ctx.fetch', () => {
  test('gives the answer', async () => {
    const { task: make, run } = online(() => Response.json({ ok: 1 }));
    const task = await make(1, get);
    await run(task.start());
    expect((await run(task.getResults()))[0]?.output).toEqual({ ok: 1 });
  });

  test('can be taken out of the context', async () => {
    const { task: make, run } = online(() => Response.json(7));
    const task = await make(1, async (_, { fetch }) => (await fetch('https://api.test/')).json());
    await run(task.start());
    expect((await run(task.getResults()))[0]?.output).toBe(7);
  });

  test('passes the signal, which aborts at the timeout', async () => {
    let signal: AbortSignal | null | undefined;
    const { task: make, run } = online((init) => {
      signal = init.signal;
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal?.reason)));
    });
    const task = await make(1, get, { timeout: 100, retry: { maxAttempts: 1 } });
    await run(task.start());
    expect(signal?.aborted).toBe(true);
    expect((await run(task.getResults()))[0]?.failure?.code).toBe('JOB_TIMEOUT');
  });

  test("passes the caller's own signal as well", async () => {
    const own = new AbortController();
    let signal: AbortSignal | null | undefined;
    const { task: make, run } = online((init) => {
      signal = init.signal;
      return Response.json(1);
    });
    const task = await make(1, async (_, ctx) =>
      (await ctx.fetch('https://api.test/', { signal: own.signal })).json(),
    );
    await run(task.start());
    own.abort();
    expect(signal?.aborted).toBe(true);
  });

  test('throws HttpError with status, headers and a bounded piece of the body when not ok', async () => {
    let error: unknown;
    const { task: make, run } = online(
      () => new Response('x'.repeat(100_000), { status: 404, headers: { 'X-Id': '5' } }),
    );
    const task = await make(1, async (_, ctx) => {
      await ctx.fetch('https://api.test/').catch((thrown: unknown) => {
        error = thrown;
        throw thrown;
      });
    });
    await run(task.start());
    expect(error).toBeInstanceOf(HttpError);
    expect(error).toMatchObject({ status: 404, code: 'HTTP_ERROR' });
    expect((error as HttpError).headers.get('x-id')).toBe('5');
    expect((error as HttpError).body.length).toBeLessThanOrEqual(2048);
    expect((await run(task.getResults()))[0]?.failure).toMatchObject({ status: 404, code: 'HTTP_ERROR' });
  });

  test('HttpError says status, address and the start of the body', async () => {
    const answer = {
      status: 404,
      statusText: 'Not Found',
      url: 'https://api.test/7',
      headers: new Headers(),
    };
    const { message, details } = new HttpError({ ...answer, body: 'x'.repeat(300) });
    expect(message).toBe(`HTTP 404 Not Found from https://api.test/7: ${'x'.repeat(200)}`);
    expect(details).toEqual({ status: 404, url: 'https://api.test/7' });
    expect((await HttpError.from(new Response(null, { status: 410 }))).message).toBe('HTTP 410');
  });

  test('a body that never ends holds up no error', async () => {
    const endless = (): Response =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new TextEncoder().encode('x'.repeat(1000))),
          cancel: () => new Promise(() => {}),
        }),
        { status: 400 },
      );
    const { task: make, run } = online(endless);
    const task = await make(1, get);
    expect(await run(task.start())).toMatchObject({ failed: 1 });
  });

  for (const [status, attempts] of [
    [400, 1],
    [401, 1],
    [408, 3],
    [425, 3],
    [500, 3],
    [502, 3],
  ] as const) {
    test(`HTTP ${status} is tried ${attempts} times`, async () => {
      const { task: make, run } = online(() => new Response('', { status }));
      const task = await make(1, get);
      await run(task.start());
      expect((await run(task.getResults()))[0]).toMatchObject({ status: 'failed', attempts, throttles: 0 });
    });
  }

  for (const status of [429, 503]) {
    test(`HTTP ${status} is a refusal, and its Retry-After is waited for`, async () => {
      const sent: number[] = [];
      const world = online(async (_, call) => {
        sent.push(world.clock.monotonic());
        await sleep(world.clock, 10);
        if (call === 1) return new Response('', { status, headers: { 'Retry-After': '5' } });
        return Response.json(1);
      });
      const task = await world.task(1, get, { retry: { maxAttempts: 1 } });
      expect(await world.run(task.start())).toMatchObject({ completed: 1 });
      expect(sent).toEqual([0, 5010]);
    });
  }

  test('an answer that says how much is left reaches the controller', async () => {
    const sent: number[] = [];
    const world = online(async (_, call) => {
      sent.push(world.clock.monotonic());
      await sleep(world.clock, 10);
      const headers = { 'X-RateLimit-Remaining': call === 2 ? '0' : '9', 'X-RateLimit-Reset': '60' };
      return Response.json(1, { headers });
    });
    const task = await world.task(4, get, { concurrency: { max: 1 } });
    await world.run(task.start());
    expect(sent).toEqual([0, 10, 60_020, 60_030]);
  });
});
