// Random commands at random moments over random handlers. A seed that fails can be run alone:
// SEED=123 npx vitest run test/random-commands.test.ts
import { expect, test } from 'vitest';
import type { Hub } from '../src/hub.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import type { Task } from '../src/task.js';
import { FaultyAdapter } from '../src/testing/faulty-adapter.js';
import { seededRandom } from '../src/testing/laboratory/random.js';
import type { JobContext, TaskConfig } from '../src/types.js';
import { bench, brokenPipe, refusal, sleep, takes, taskOf } from './fixtures.js';

interface World {
  random: () => number;
  below: (limit: number) => number;
  pick: <T>(values: readonly T[]) => T;
}

function worldOf(seed: number): World {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  return { random, below, pick: (values) => values[below(values.length)] as never };
}

const COMMANDS = [
  'start',
  'start',
  'resume',
  'resume',
  'pause',
  'stop',
  'retryFailed',
  'getProgress',
] as const;

/** Runs one random life of a task. `hubs`: how many share it; `faults`: the share of store calls that fail. */
async function life(seed: number, { hubs = 1, faults = 0 } = {}): Promise<void> {
  const { random, below, pick } = worldOf(seed);
  const inner = new MemoryAdapter();
  const adapter = new FaultyAdapter(inner);
  const b = bench(adapter);
  const max = 1 + below(6);
  const count = 1 + below(40);
  const config: TaskConfig = {
    concurrency: { max, initial: 1 + below(max) },
    retry: { maxAttempts: 1 + below(3), baseDelay: below(2000), maxDelay: 5000 },
    timeout: 1000 + below(2000),
    stopGrace: below(3000),
  };

  /** Jobs whose handler runs now, and by job how often it completed, failed, and was announced. */
  const running = new Map<string, number>();
  const announced = new Map<number, string[]>();
  const unhandled: unknown[] = [];
  const problems: string[] = [];
  let calm = false;

  const handlerOf =
    (hub: number) =>
    async (input: number, ctx: JobContext): Promise<unknown> => {
      const key = `${hub}:${input}`;
      if (running.has(key)) problems.push(`job ${input} runs twice in hub ${hub}`);
      running.set(key, b.clock.monotonic());
      const here = [...running.keys()].filter((other) => other.startsWith(`${hub}:`)).length;
      if (here > max) problems.push(`${here} handlers at once in hub ${hub}, max is ${max}`);
      try {
        const fate = calm ? 0.9 : random();
        if (fate < 0.1) throw brokenPipe();
        if (fate < 0.2) {
          await sleep(b.clock, 1 + below(50));
          throw refusal(random() < 0.3 ? below(3000) : undefined);
        }
        if (fate < 0.3) return await takes<number>(b.clock, 60_000)(input, ctx); // hangs, obeys
        if (fate < 0.35) {
          await sleep(b.clock, below(20_000)); // deaf
          return input;
        }
        if (fate < 0.45) throw new Error('bad');
        if (fate < 0.6) return input;
        return await takes<number>(b.clock, below(1500))(input, ctx);
      } finally {
        running.delete(key);
      }
    };

  const all: Hub[] = [b.hub, ...Array.from({ length: hubs - 1 }, () => b.another())];
  const tasks: Task<number, unknown>[] = [];
  for (const [index, hub] of all.entries()) {
    const task = await taskOf({ ...b, hub }, count, handlerOf(index), config);
    for (const event of ['job:complete', 'job:failed'] as const)
      task.on(event, (job: { index: number }) => {
        announced.set(job.index, [...(announced.get(job.index) ?? []), event]);
      });
    tasks.push(task);
  }
  const id = (tasks[0] as Task).id;
  if (faults > 0) {
    adapter.plan = ({ method }) => {
      if (calm || method === 'open' || method === 'close' || random() >= faults) return undefined;
      return { error: new Error('io'), applied: random() < 0.5 };
    };
  }

  const invariants = async (): Promise<void> => {
    const record = await inner.readTask(id);
    const { rows } = await inner.readJobs(id, { limit: 1000 });
    const tally = { pending: 0, active: 0, completed: 0, failed: 0 };
    for (const row of rows) tally[row.status] += 1;
    const { total, pending, active, completed, failed } = record?.counts ?? {};
    expect({ pending, active, completed, failed }).toEqual(tally);
    expect(total).toBe(count);
    for (const row of rows) {
      expect(row.attempts).toBeGreaterThanOrEqual(row.throttles);
      if (row.status === 'completed') expect(row.output).toBe(row.input);
    }
    expect(problems).toEqual([]);
  };

  const promises: Promise<unknown>[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  try {
    for (let step = 0; step < 25; step += 1) {
      const task = pick(tasks);
      const command = pick(COMMANDS);
      const result = (task[command] as () => unknown)();
      if (result instanceof Promise) promises.push(result.catch(() => undefined));
      if (random() < 0.3) continue; // the next one in the same breath
      await b.clock.advance(random() < 0.5 ? below(500) : below(8000));
      await invariants();
    }
    // From here on everything works: the task comes to its end.
    calm = true;
    for (const task of tasks) promises.push(task.start().catch(() => undefined));
    await b.clock.advance(200_000);
    for (let round = 0; round < 5 && tasks.some((task) => task.status !== 'completed'); round += 1) {
      for (const task of tasks) promises.push(task.start().catch(() => undefined));
      await b.clock.advance(200_000);
    }
    const settled = Promise.all(promises);
    await b.run(settled);
    await invariants();
    const record = await inner.readTask(id);
    expect(record?.counts).toMatchObject({ pending: 0, active: 0 });
    expect(tasks.map((task) => task.status)).not.toContain('running');
    for (const task of tasks) {
      await b.run(task.getProgress()); // where it does not run, the numbers are those of the last look
      expect([task.completedJobs, task.failedJobs]).toEqual([
        record?.counts.completed,
        record?.counts.failed,
      ]);
    }
    if (faults === 0) {
      const { rows } = await inner.readJobs(id, { limit: 1000 });
      for (const [index, row] of rows.entries()) {
        const events = announced.get(index) ?? [];
        expect(events.filter((event) => event === 'job:complete')).toHaveLength(
          row.status === 'completed' ? 1 : 0,
        );
        if (row.status === 'failed') expect(events.at(-1)).toBe('job:failed');
      }
    }
    for (const hub of all) await b.run(hub.close());
    await b.clock.advance(100_000);
    expect(b.clock.pending).toBe(0);
    for (let turn = 0; turn < 3; turn += 1) await new Promise((go) => setImmediate(go));
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
}

const given = process.env.SEED;
const first = given === undefined ? 1 : Number(given);
const SEEDS = Number(process.env.SEEDS ?? (given === undefined ? 25 : 1));
const MODES: [string, { hubs?: number; faults?: number }][] = [
  ['one hub', {}],
  ['two hubs', { hubs: 2 }],
  ['one hub on a store that fails now and then', { faults: 0.05 }],
  ['two hubs on a store that fails now and then', { hubs: 2, faults: 0.03 }],
];
for (const [name, mode] of MODES) {
  test(`random commands, ${name}: counters equal rows, no job is lost, every promise settles`, {
    timeout: 60_000 + SEEDS * 100,
  }, async () => {
    for (let seed = first; seed < first + SEEDS; seed += 1) {
      try {
        await life(seed, mode);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
}
