import { describe, expect, test } from 'vitest';
import { Hub } from '../src/hub.js';
import type { Liveness, StorageAdapter } from '../src/storage/contract.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import type { Task } from '../src/task.js';
import { FaultyAdapter } from '../src/testing/faulty-adapter.js';
import type { TaskConfig } from '../src/types.js';
import {
  type Bench,
  bench,
  brokenPipe,
  heard,
  listSource,
  numbers,
  portsOf,
  rejection,
  sleep,
  takes,
  taskOf,
} from './fixtures.js';

/** What a store says of processes: `dead` are gone, `living` are not, nothing is known of the others. */
class FakeLiveness implements Liveness {
  readonly dead = new Set<string>();
  readonly living = new Set<string>();
  #next = 0;

  identify(): string {
    this.#next += 1;
    return `process-${this.#next}`;
  }

  isGone(identity: string): boolean | undefined {
    if (this.dead.has(identity)) return true;
    return this.living.has(identity) ? false : undefined;
  }
}

function store(liveness = new FakeLiveness()): { adapter: StorageAdapter; liveness: FakeLiveness } {
  return { adapter: Object.assign(new MemoryAdapter(), { liveness }), liveness };
}

/** A run of 6 jobs (3 at once, 1 s each) whose process dies in the middle of the second three. */
async function died() {
  const { adapter, liveness } = store();
  const calls: string[] = [];
  const first = bench(adapter);
  const frozen = new Promise<never>(() => {});
  const task = await taskOf(
    first,
    6,
    async (input) => {
      calls.push(`first ${input}`);
      if (input >= 3) return frozen;
      await sleep(first.clock, 1000);
      return input;
    },
    { concurrency: { max: 3, initial: 3 }, timeout: 0 },
  );
  void task.start();
  await first.clock.advance(1500);
  // Its clock is not driven any more: it is gone. The next one lives in a time of its own that goes on from there.
  const next = bench(adapter);
  await next.clock.advance(1500);
  return { ...next, liveness, calls, id: task.id };
}

const rows = async (adapter: StorageAdapter, id: string): Promise<string[]> =>
  (await adapter.readJobs(id, { limit: 100 })).rows.map((row) => row.status);

describe('owners that died', () => {
  const OPEN: [string, (hub: Hub, id: string) => Promise<unknown>][] = [
    ['createTask', (hub) => hub.createTask({ name: 'task', source: listSource(numbers(6)) })],
    ['getTask', (hub, id) => hub.getTask(id)],
    ['resumeTask', (hub, id) => hub.resumeTask(id, listSource(numbers(6)))],
  ];
  for (const [name, open] of OPEN) {
    test(`${name} gives back the jobs of an owner known to be dead before it returns`, async () => {
      const { adapter, liveness, hub, id, run } = await died();
      liveness.dead.add('process-1');
      const task = (await run(open(hub, id))) as Task;
      expect(await rows(adapter, id)).toEqual([
        'completed',
        'completed',
        'completed',
        'pending',
        'pending',
        'pending',
      ]);
      expect(task.status).toBe('paused');
    });

    test(`${name} leaves the jobs of an owner known to live`, async () => {
      const { adapter, liveness, hub, id, run } = await died();
      liveness.living.add('process-1');
      const task = (await run(open(hub, id))) as Task;
      expect((await rows(adapter, id)).slice(3)).toEqual(['active', 'active', 'active']);
      expect(task.status).toBe('running');
    });

    test(`${name} leaves the jobs of an owner of whom nothing is known until its lease has passed`, async () => {
      const { adapter, hub, id, run, clock } = await died();
      await run(open(hub, id));
      expect((await rows(adapter, id)).slice(3)).toEqual(['active', 'active', 'active']);
      await clock.advance(30_000);
      await run(open(hub, id));
      expect((await rows(adapter, id)).slice(3)).toEqual(['pending', 'pending', 'pending']);
    });
  }

  test('getProgress of a task that nobody runs any more leaves it paused', async () => {
    const { liveness, hub, id, run } = await died();
    liveness.dead.add('process-1');
    const task = (await run(hub.getTask(id))) as Task;
    expect(await run(task.getProgress())).toMatchObject({ completed: 3, active: 0, pending: 3 });
    expect(task.status).toBe('paused');
  });

  test('completed jobs never run again, the interrupted ones do with their attempt spent', async () => {
    const { adapter, liveness, hub, id, run, calls } = await died();
    liveness.dead.add('process-1');
    const source = listSource(numbers(6), { handler: (input: number) => void calls.push(`next ${input}`) });
    const task = await run(hub.resumeTask(id, source));
    expect(await run(task?.resume() as Promise<unknown>)).toMatchObject({
      status: 'completed',
      completed: 6,
      ran: 3,
    });
    expect(calls.slice(6)).toEqual(['next 3', 'next 4', 'next 5']);
    expect((await adapter.readJobs(id, { limit: 9 })).rows.map((row) => row.attempts)).toEqual([
      1, 1, 1, 2, 2, 2,
    ]);
  });

  test('a run that waits for an owner of whom nothing is known takes over when its lease has passed', async () => {
    const { hub, id, run, clock } = await died();
    const task = await run(hub.resumeTask(id, listSource(numbers(6))));
    expect(await run(task?.resume() as Promise<unknown>)).toMatchObject({
      status: 'completed',
      completed: 6,
    });
    expect(clock.monotonic()).toBeGreaterThanOrEqual(30_000);
    expect(clock.monotonic()).toBeLessThan(32_000);
  });

  test('a run that waits takes over within 1 s when the other owner is known to be dead', async () => {
    const { hub, id, run, clock, liveness } = await died();
    const task = await run(hub.resumeTask(id, listSource(numbers(6))));
    const started = task?.resume() as Promise<unknown>;
    await clock.advance(4000);
    const before = clock.monotonic();
    liveness.dead.add('process-1');
    await run(started);
    expect(clock.monotonic() - before).toBeLessThanOrEqual(1000);
  });

  test("the README's recovery loop finishes the task", async () => {
    const { hub, run, liveness } = await died();
    liveness.dead.add('process-1');
    for (const meta of await run(hub.listTasks())) {
      if (meta.status !== 'running' && meta.status !== 'paused') continue;
      const task = await run(hub.resumeTask(meta.id, listSource(numbers(6))));
      if (task) await run(task.resume());
    }
    expect(await run(hub.listTasks())).toMatchObject([
      { status: 'completed', completedJobs: 6, totalJobs: 6 },
    ]);
  });

  /** A run whose process stands still for a minute, and goes on after another has done its jobs. */
  async function late() {
    const adapter = new MemoryAdapter();
    const slow = bench(adapter);
    const task = await taskOf(slow, 3, takes(slow.clock, 1000));
    const lines = heard(task);
    const started = task.start();
    await slow.clock.advance(500);
    const quick = bench(adapter);
    await quick.clock.advance(60_000);
    const other = await taskOf(quick, 3, (input) => `quick ${input}`);
    expect(await quick.run(other.start())).toMatchObject({ status: 'completed', completed: 3, ran: 3 });
    return { slow, quick, adapter, task, lines, summary: await slow.run(started) };
  }

  test('a late owner records nothing', async () => {
    const { quick, task, adapter } = await late();
    const { rows: jobs } = await adapter.readJobs(task.id, { limit: 9 });
    expect(jobs.map((job) => job.output)).toEqual(['"quick 0"', '"quick 1"', '"quick 2"']);
    expect((await adapter.readTask(task.id))?.counts).toMatchObject({ completed: 3, active: 0 });
    expect(quick.clock.pending).toBe(0);
  });

  test('a late owner announces nothing but the end', async () => {
    const { lines, summary } = await late();
    expect(lines).toEqual(['start 0', 'start 1', 'start 2', 'completed']);
    expect(summary).toMatchObject({ status: 'completed', completed: 3, ran: 0 });
  });
});

describe('two hubs on one task', () => {
  async function two(count: number, ms: number, config: TaskConfig = {}) {
    const b = bench();
    const calls: string[] = [];
    let [running, most] = [0, 0];
    const as = (name: string, hub: Hub) =>
      taskOf(
        { ...b, hub },
        count,
        async (input, ctx) => {
          calls.push(`${name} ${input}`);
          running += 1;
          most = Math.max(most, running);
          try {
            return await takes<number>(b.clock, ms)(input, ctx);
          } finally {
            running -= 1;
          }
        },
        { concurrency: { max: 3, initial: 3 }, ...config },
      );
    const one = await as('one', b.hub);
    const hub2 = b.another();
    const other = await as('two', hub2);
    return { ...b, one, other, hub2, calls, most: () => most };
  }
  const stored = async ({ adapter }: Bench, task: Task<number, unknown>) =>
    (await adapter.readTask(task.id))?.status;

  test('they share it by claims: no job runs twice and none is lost', async () => {
    const { one, other, run, calls } = await two(60, 100);
    const [a, b] = await run(Promise.all([one.start(), other.start()]));
    expect(calls).toHaveLength(60);
    expect(new Set(calls.map((call) => call.split(' ')[1])).size).toBe(60);
    expect(a).toMatchObject({ status: 'completed', completed: 60 });
    expect(b).toMatchObject({ status: 'completed', completed: 60 });
    expect(a.ran + b.ran).toBe(60);
  });

  test('a task whose process only waits for a retry is running for the others as well', async () => {
    const b = bench();
    const one = await taskOf(b, 1, () => Promise.reject(brokenPipe()), {
      retry: { baseDelay: 20_000, jitter: 0 },
    });
    void one.start();
    await b.clock.advance(1000);
    const other = (await b.run(b.another().getTask(one.id))) as Task;
    expect(other.status).toBe('running');
    await b.run(b.hub.close());
  });

  test('a job that was lost to a passed lease and claimed again keeps its running handler', async () => {
    const b = bench();
    const calls: number[] = [];
    const task = await taskOf(
      b,
      1,
      async (input) => {
        calls.push(input);
        await sleep(b.clock, 60_000);
        return input;
      },
      { timeout: 0 },
    );
    const summary = task.start();
    await b.clock.advance(1000);
    // What a process does that finds our lease passed.
    const [owner] = await b.adapter.listOwners(task.id);
    await b.adapter.releaseJobs(task.id, { owner: owner?.id ?? '', crashed: true }, b.clock.now());
    expect(await b.run(summary)).toMatchObject({ completed: 1, ran: 1 });
    expect(calls).toEqual([0]);
  });

  test('a job that was lost and claimed again is judged by the attempts of the new claim', async () => {
    const b = bench();
    let calls = 0;
    const handler = async (): Promise<never> => {
      calls += 1;
      await sleep(b.clock, 25_000);
      throw brokenPipe();
    };
    const task = await taskOf(b, 1, handler, { retry: { maxAttempts: 2 } });
    const summary = task.start();
    await b.clock.advance(1000);
    const [owner] = await b.adapter.listOwners(task.id);
    await b.adapter.releaseJobs(task.id, { owner: owner?.id ?? '', crashed: true }, b.clock.now());
    expect(await b.run(summary)).toMatchObject({ failed: 1, ran: 1 });
    expect(calls).toBe(1);
    expect(await b.run(task.getResults())).toMatchObject([{ status: 'failed', attempts: 2 }]);
  });

  test('a job that was lost and claimed again is not given back by a pause while its handler runs', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    let calls = 0;
    const task = await taskOf(b, 1, async (input) => {
      calls += 1;
      await sleep(b.clock, 25_000);
      return input;
    });
    void task.start();
    await b.clock.advance(1000);
    const [owner] = await adapter.listOwners(task.id);
    await adapter.releaseJobs(task.id, { owner: owner?.id ?? '', crashed: true }, b.clock.now());
    // The answer that gives it again comes after the pause.
    adapter.plan = ({ method }) => (method === 'exchange' ? { answer: sleep(b.clock, 500) } : undefined);
    const before = adapter.calls('exchange');
    while (adapter.calls('exchange') === before) await b.clock.advance(100);
    task.pause();
    await b.clock.advance(30_000);
    expect(await b.run(task.getResults())).toMatchObject([{ status: 'completed', output: 0 }]);
    expect(calls).toBe(1);
    await b.run(b.hub.close());
  });

  test('a job that waits for its earlier handler is not run when the lease has passed and another owner has it', async () => {
    const store = new MemoryAdapter();
    const adapter = new FaultyAdapter(store);
    const b = bench(adapter, { leaseMs: 2000 });
    let calls = 0;
    const deaf = async (input: number): Promise<number> => {
      calls += 1;
      await sleep(b.clock, 9000);
      return input;
    };
    const task = await taskOf(b, 1, deaf, { timeout: 500, retry: { baseDelay: 10, maxAttempts: 9 } });
    const summary = task.start();
    await b.clock.advance(1000); // timed out, and claimed again
    const [owner] = await store.listOwners(task.id);
    adapter.plan = ({ method }) => (method === 'exchange' ? { until: sleep(b.clock, 2500) } : undefined);
    await b.clock.advance(2000);
    adapter.plan = () => undefined;
    await store.releaseJobs(task.id, { owner: owner?.id ?? '', crashed: true }, b.clock.now());
    const mine = { owner: 'other', now: b.clock.now() };
    const lease = { limit: 1, leaseUntil: b.clock.now() + 60_000 };
    const { claimed } = await store.exchange(task.id, { ...mine, settle: [], claim: lease });
    expect(claimed).toMatchObject([{ seq: 1 }]);
    await b.clock.advance(8000);
    expect(calls).toBe(1);
    const times = { startedAt: b.clock.now(), endedAt: b.clock.now() };
    await store.exchange(task.id, {
      ...mine,
      settle: [{ seq: 1, ...times, outcome: 'completed', output: '"its"' }],
      claim: null,
    });
    expect(await b.run(summary)).toMatchObject({ completed: 1, ran: 0 });
    expect(calls).toBe(1);
  });

  test('both work, and max holds for each', async () => {
    const { one, other, run, calls, most } = await two(60, 100);
    await run(Promise.all([one.start(), other.start()]));
    expect(new Set(calls.map((call) => call.split(' ')[0])).size).toBe(2);
    expect(most()).toBe(6);
  });

  test('the terminal event of a job fires in the process that ran it', async () => {
    const { one, other, run, calls } = await two(20, 100);
    const [a, b] = [heard(one), heard(other)];
    await run(Promise.all([one.start(), other.start()]));
    const completed = (lines: string[]) => lines.filter((line) => line.startsWith('complete '));
    expect(completed(a)).toHaveLength(calls.filter((call) => call.startsWith('one')).length);
    expect(completed(a).length + completed(b).length).toBe(20);
  });

  test('completed fires in both', async () => {
    const { one, other, run } = await two(20, 100);
    const [a, b] = [heard(one), heard(other)];
    await run(Promise.all([one.start(), other.start()]));
    expect([a.at(-1), b.at(-1)]).toEqual(['completed', 'completed']);
  });

  test('pause() in one stops both claiming', async () => {
    const b = await two(60, 100);
    void b.one.start();
    void b.other.start();
    await b.clock.advance(250);
    b.one.pause();
    await b.clock.advance(200);
    const before = b.calls.length;
    await b.clock.advance(60_000);
    expect([b.calls.length, b.one.status, b.other.status]).toEqual([before, 'paused', 'paused']);
  });

  test('resume() in the other lets both go on', async () => {
    const b = await two(60, 100);
    const started = b.one.start();
    void b.other.start();
    await b.clock.advance(250);
    b.one.pause();
    await b.clock.advance(20_000);
    await b.run(b.other.resume());
    expect(await b.run(started)).toMatchObject({ status: 'completed', completed: 60 });
  });

  test('pause() works from a hub that does not run the task', async () => {
    const b = await two(60, 100);
    void b.one.start();
    await b.clock.advance(150);
    const watcher = await b.run(b.another().getTask(b.one.id));
    expect(watcher?.status).toBe('running');
    watcher?.pause();
    await b.clock.advance(20_000);
    expect(b.one.status).toBe('paused');
  });

  test('stop() in one leaves both paused', async () => {
    const b = await two(60, 100);
    const started = b.one.start();
    void b.other.start();
    await b.clock.advance(250);
    await b.run(b.one.stop());
    await b.clock.advance(1000);
    expect([b.one.status, b.other.status, await stored(b, b.one)]).toEqual(['paused', 'paused', 'paused']);
    expect(await started).toMatchObject({ status: 'paused' });
  });

  test('deleteTask in one: the other rejects with TASK_DELETED', async () => {
    const b = await two(60, 100);
    const error = rejection(b.one.start());
    await b.clock.advance(250);
    await b.run(b.hub2.deleteTask(b.one.id));
    await b.clock.advance(10_000);
    expect(await error).toMatchObject({ code: 'TASK_DELETED' });
    expect(await b.run(b.hub.listTasks())).toEqual([]);
  });

  test('deleteTask in one aborts the jobs of the other', async () => {
    const b = await two(6, 100_000, { timeout: 0 });
    const error = rejection(b.one.start());
    await b.clock.advance(1000);
    await b.run(b.other.destroy());
    await b.clock.advance(10_001);
    expect(await error).toMatchObject({ code: 'TASK_DELETED' });
  });

  test('a halt in one ends the run of the other as failed, without completed', async () => {
    const b = bench();
    const options = { halt: { failures: 1 }, concurrency: { max: 1 } };
    const one = await taskOf(
      b,
      20,
      async (input) => {
        await sleep(b.clock, 100);
        if (input > 2) throw new Error('bad');
      },
      options,
    );
    const other = await taskOf({ ...b, hub: b.another() }, 20, takes(b.clock, 1000), options);
    const lines = heard(other);
    const started = other.start();
    expect((await b.run(one.start())).halted).toBeDefined();
    expect(await b.run(started)).toMatchObject({ status: 'failed' });
    expect(lines).not.toContain('completed');
  });

  test('closing one hub leaves the other at work', async () => {
    const b = await two(60, 100);
    const started = b.one.start();
    void b.other.start();
    await b.clock.advance(250);
    await b.run(b.hub2.close());
    expect(await b.run(started)).toMatchObject({ status: 'completed', completed: 60 });
  });

  test('a job in backoff after it failed in one may run in the other', async () => {
    const b = bench();
    const calls: string[] = [];
    const as = (name: string, hub: Hub) =>
      taskOf({ ...b, hub }, 1, async (_, { attempt }) => {
        calls.push(`${name} ${attempt}`);
        await sleep(b.clock, 10);
        if (attempt < 3) throw brokenPipe();
      });
    const [one, two] = [await as('one', b.hub), await as('two', b.another())];
    await b.run(Promise.all([one.start(), two.start()]));
    expect(calls.map((call) => call.split(' ')[1])).toEqual(['1', '2', '3']);
  });

  test('while only other owners hold jobs the store is asked every 250 ms', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const one = await taskOf(b, 1, takes(b.clock, 9900));
    const two = await taskOf({ ...b, hub: b.another() }, 1, () => 1);
    void one.start();
    await b.clock.advance(10);
    void two.start();
    await b.clock.advance(10);
    const before = adapter.calls('exchange');
    await b.clock.advance(5000);
    expect(adapter.calls('exchange') - before).toBeGreaterThanOrEqual(19);
    expect(adapter.calls('exchange') - before).toBeLessThanOrEqual(21);
  });

  test('a run with jobs of its own asks the store only to renew its lease', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const one = await taskOf(b, 1, takes(b.clock, 29_000));
    void one.start();
    await b.clock.advance(10);
    const before = adapter.calls('exchange');
    await b.clock.advance(25_000);
    expect(adapter.calls('exchange') - before).toBe(2);
  });

  test('a paused run does not ask every 250 ms', async () => {
    const adapter = new FaultyAdapter(new MemoryAdapter());
    const b = bench(adapter);
    const one = await taskOf(b, 9, takes(b.clock, 10));
    void one.start();
    one.pause();
    await b.clock.advance(1000);
    const before = adapter.calls('exchange');
    await b.clock.advance(60_000);
    expect(adapter.calls('exchange') - before).toBeLessThanOrEqual(6);
  });

  test('a handler longer than the lease keeps its job', async () => {
    const b = await two(2, 100_000, { timeout: 0, concurrency: { max: 1 } });
    await b.run(Promise.all([b.one.start(), b.other.start()]));
    expect(b.calls).toHaveLength(2);
  });

  test('a handler that is waited for while its run drains keeps its job beyond the lease', async () => {
    const b = bench();
    const calls: number[] = [];
    const source = {
      type: 'dynamic' as const,
      id: 's',
      async *getData() {
        yield 1;
        await sleep(b.clock, 1000);
        throw new Error('broken');
      },
      handler: async (input: number) => {
        calls.push(input);
        await sleep(b.clock, 100_000);
        return input;
      },
    };
    const options = { name: 'stream', source, timeout: 0 };
    const one = await b.run(b.hub.createTask(options));
    const error = rejection(one.start());
    await b.clock.advance(50_000);
    const other = await b.run(b.another().getTask(one.id));
    expect((await b.run(other?.getResults() as Promise<{ status: string }[]>))[0]?.status).toBe('active');
    await b.clock.advance(60_000);
    expect(await error).toMatchObject({ code: 'SOURCE_FAILED' });
    expect(one.completedJobs).toBe(1);
  });
});

test('a process whose storage fails leaves the task running for the others', async () => {
  const { adapter } = store();
  const mine = new FaultyAdapter(adapter);
  const b = bench(mine);
  const task = await taskOf(b, 20, takes(b.clock, 1000), { concurrency: { max: 1 } });
  const started = rejection(task.start());
  const other = { ...b, hub: new Hub(adapter, { ports: portsOf(b.clock) }) };
  const theirs = await taskOf(other, 20, takes(b.clock, 1000), { concurrency: { max: 1 } });
  const finished = theirs.start();
  await b.clock.advance(1500);
  let left = 1;
  mine.plan = ({ method }) =>
    method === 'exchange' && left-- > 0 ? { error: new Error('disk I/O error') } : undefined;
  expect(await b.run(started)).toMatchObject({ code: 'STORAGE_FAILED' });
  expect(await b.run(finished)).toMatchObject({ status: 'completed', completed: 20 });
});
