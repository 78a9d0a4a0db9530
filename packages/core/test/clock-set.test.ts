// The wall clock of a machine is set while a task runs: by an hour, back and forward.
import { expect, test } from 'vitest';
import type { Clock } from '../src/clock.js';
import { Hub } from '../src/hub.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { VirtualClock } from '../src/testing/virtual-clock.js';
import { brokenPipe, listSource, refusal, sleep } from './fixtures.js';

const HOUR = 3_600_000;

/** A process with a wall clock that is `ahead` ms ahead of the world's. */
function process(world: VirtualClock, adapter = new MemoryAdapter(), ahead = 0) {
  const skew = { ahead };
  const clock: Clock = {
    now: () => world.now() + skew.ahead,
    monotonic: () => world.monotonic(),
    setTimeout: (callback, ms) => world.setTimeout(callback, ms),
    clearTimeout: (timer) => world.clearTimeout(timer),
    turn: (callback) => world.turn(callback),
  };
  return { skew, adapter, hub: new Hub(adapter, { ports: { clock, random: () => 0.5 } }) };
}

test('the clock is set back by an hour while a job waits for its next attempt: it waits for seconds', async () => {
  const world = new VirtualClock();
  const { hub, skew } = process(world);
  const source = listSource([1], {
    async handler(_, { attempt }) {
      await sleep(world, 10);
      if (attempt === 1) throw brokenPipe();
      return attempt;
    },
  });
  const task = await world.run(hub.createTask({ name: 't', source }));
  task.on('job:retry', () => {
    skew.ahead = -HOUR;
  });
  const began = world.monotonic();
  expect(await world.run(task.start())).toMatchObject({ completed: 1, failed: 0 });
  expect(world.monotonic() - began).toBeLessThan(11_000);
});

test('the clock is set back between two processes: the second does not wait for the clock of the first', async () => {
  const world = new VirtualClock();
  const first = process(world);
  let refuses = true;
  const source = listSource([1, 2], {
    async handler(n: number) {
      await sleep(world, 10);
      if (refuses) throw refusal();
      return n;
    },
  });
  const task = await world.run(first.hub.createTask({ name: 't', source }));
  const running = task.start();
  await world.advance(50);
  await world.run(task.stop());
  await running;
  await world.run(first.hub.close());
  refuses = false;
  const second = process(world, first.adapter, -HOUR);
  const again = await world.run(second.hub.createTask({ name: 't', source }));
  const began = world.monotonic();
  expect(await world.run(again.start())).toMatchObject({ completed: 2 });
  expect(world.monotonic() - began).toBeLessThan(5000);
});

for (const [what, by] of [
  ['back', -HOUR],
  ['forward', HOUR],
] as const) {
  test(`the clock is set ${what} during a job: it has taken as long as it has`, async () => {
    const world = new VirtualClock();
    const { hub, skew } = process(world);
    const source = listSource([1], {
      async handler() {
        await sleep(world, 20);
        skew.ahead = by;
        await sleep(world, 30);
      },
    });
    const task = await world.run(hub.createTask({ name: 't', source }));
    await world.run(task.start());
    const [job] = await world.run(task.getResults());
    expect((job?.completedAt ?? 0) - (job?.startedAt ?? 0)).toBe(50);
  });
}
