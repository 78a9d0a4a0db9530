// Processes that die at random moments, one after the other or side by side. A seed that fails can be run alone:
// SEED=123 npx vitest run test/random-deaths.test.ts
import { expect, test } from 'vitest';
import { Hub } from '../src/hub.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { FaultyAdapter } from '../src/testing/faulty-adapter.js';
import { seededRandom } from '../src/testing/laboratory/random.js';
import { VirtualClock } from '../src/testing/virtual-clock.js';
import type { TaskConfig } from '../src/types.js';
import { listSource, numbers, portsOf, refusal, sleep } from './fixtures.js';

const NEVER = new Promise<never>(() => undefined);

async function lives(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const clock = new VirtualClock();
  const count = 1 + below(60);
  const dead = new Set<string>();
  let born = 0;
  // Half of the deaths are known at once, of the others only the lease tells.
  const liveness = {
    identify: () => `process-${born}`,
    isGone: (identity: string) => (dead.has(identity) ? true : undefined),
  };
  const inner = Object.assign(new MemoryAdapter(), { liveness });
  const config: TaskConfig = { concurrency: { max: 1 + below(8) }, retry: { maxCrashes: 3, baseDelay: 500 } };
  const problems: string[] = [];
  const running = new Map<number, number>();
  const announced = new Map<number, number>();
  const dying = new Set<number>();

  const birth = async () => {
    born += 1;
    const me = born;
    const adapter = new FaultyAdapter(inner);
    const hub = new Hub(adapter, { ports: portsOf(clock) });
    const source = listSource(numbers(count), {
      handler: async (input: number) => {
        const { rows } = await inner.readJobs(id, { after: input, limit: 1 });
        if (rows[0]?.status !== 'active') problems.push(`job ${input} runs and is ${rows[0]?.status}`);
        const other = running.get(input);
        if (other !== undefined && !dying.has(other))
          problems.push(`job ${input} runs in ${other} and ${me}`);
        running.set(input, me);
        await sleep(clock, below(3000));
        if (dying.has(me)) return NEVER;
        running.delete(input);
        if (random() < 0.1) throw refusal();
        return input;
      },
    });
    const task = await clock.run(hub.createTask({ name: 'task', source, ...config }));
    const id = task.id;
    task.on('job:complete', ({ index }) => {
      if (!dying.has(me)) announced.set(index, (announced.get(index) ?? 0) + 1);
    });
    return {
      task,
      hub,
      kill(isKnown: boolean) {
        dying.add(me);
        adapter.plan = () => ({ until: NEVER });
        if (isKnown) dead.add(`process-${me}`);
      },
    };
  };

  for (let life = 0; life < 6; life += 1) {
    const sideBySide = [await birth(), ...(random() < 0.3 ? [await birth()] : [])];
    for (const { task } of sideBySide) void task.start();
    await clock.advance(below(8000));
    for (const process of sideBySide) process.kill(random() < 0.5);
  }
  const last = await birth();
  const summary = await clock.run(last.task.start());
  const { rows } = await inner.readJobs(last.task.id, { limit: 1000 });
  expect(problems).toEqual([]);
  expect(summary).toMatchObject({ total: count });
  expect((await inner.readTask(last.task.id))?.counts).toMatchObject({ pending: 0, active: 0 });
  for (const [index, row] of rows.entries()) {
    if (row.status === 'completed') expect(row.output).toBe(String(index));
    else expect(row.error).toContain('JOB_POISONED');
    expect(announced.get(index) ?? 0).toBeLessThanOrEqual(row.status === 'completed' ? 1 : 0);
  }
  await clock.run(last.hub.close());
}

const given = process.env.SEED;
const first = given === undefined ? 1 : Number(given);
const SEEDS = Number(process.env.SEEDS ?? (given === undefined ? 40 : 1));

test('random deaths: completed jobs never run again, each has one result, counters equal rows', {
  timeout: 60_000 + SEEDS * 100,
}, async () => {
  for (let seed = first; seed < first + SEEDS; seed += 1) {
    try {
      await lives(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
});
