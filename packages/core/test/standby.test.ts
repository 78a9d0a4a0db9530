// A store that lets one hub at a time run a task, as those in browsers do.
import { describe, expect, test } from 'vitest';
import type { Hub } from '../src/hub.js';
import type { Liveness, Turns } from '../src/storage/contract.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import type { Task } from '../src/task.js';
import { FaultyAdapter } from '../src/testing/faulty-adapter.js';
import type { RunSummary } from '../src/types.js';
import { type Bench, bench, Feed, listSource, numbers, rejection, streamSource, takes } from './fixtures.js';

/** Turns within this process, in the order of asking; `die` is the end of a tab. */
class Line implements Turns, Liveness {
  readonly #lines = new Map<string, { granted: () => void }[]>();
  readonly dead = new Set<string>();
  #tabs = 0;

  take(taskId: string, granted: () => void): () => void {
    const line = this.#lines.get(taskId) ?? [];
    this.#lines.set(taskId, line);
    const place = { granted };
    if (line.push(place) === 1) granted();
    return () => this.#leave(line, place);
  }

  #leave(line: { granted: () => void }[], place: { granted: () => void }): void {
    const at = line.indexOf(place);
    if (at < 0) return;
    line.splice(at, 1);
    if (at === 0) line[0]?.granted();
  }

  identify(): string {
    this.#tabs += 1;
    return `tab-${this.#tabs}`;
  }

  isGone(identity: string): boolean {
    return this.dead.has(identity);
  }

  /** The tab that has the turn ends without a word. */
  die(identity: string): void {
    this.dead.add(identity);
    for (const line of this.#lines.values()) {
      line.shift();
      line[0]?.granted();
    }
  }
}

interface Tabs extends Bench {
  store: FaultyAdapter;
  line: Line;
  other: Hub;
  /** Inputs in the order in which their handlers were called, by tab. */
  calls: { a: number[]; b: number[] };
  a: Task<number, unknown>;
  b: Task<number, unknown>;
}

/** Two tabs with the same task of 6 jobs, two at once, 1 s each. */
async function twoTabs(): Promise<Tabs> {
  const line = new Line();
  const store = new FaultyAdapter(Object.assign(new MemoryAdapter(), { turns: line, liveness: line }));
  const one = bench(store);
  const other = one.another();
  const calls = { a: [] as number[], b: [] as number[] };
  const taskIn = (hub: Hub, own: number[]): Promise<Task<number, unknown>> => {
    const takesOneSecond = takes<number>(one.clock, 1_000);
    const source = listSource(numbers(6), {
      handler: (input, ctx) => {
        own.push(input);
        return takesOneSecond(input, ctx);
      },
    });
    return one.run(hub.createTask({ name: 'task', source, concurrency: { max: 2, initial: 2 } }));
  };
  const a = await taskIn(one.hub, calls.a);
  const b = await taskIn(other, calls.b);
  return { ...one, store, line, other, calls, a, b };
}

/** Both started, and half a second later. */
async function bothRunning(): Promise<Tabs & { ends: [Promise<RunSummary>, Promise<RunSummary>] }> {
  const tabs = await twoTabs();
  const ends: [Promise<RunSummary>, Promise<RunSummary>] = [tabs.a.start(), tabs.b.start()];
  await tabs.clock.advance(500);
  return { ...tabs, ends };
}

describe('one tab at a time', () => {
  test('the first runs the task, the second watches it and has the same summary', async () => {
    const { calls, ends, b, run } = await bothRunning();
    const seen: number[] = [];
    b.on('progress', ({ completed }) => seen.push(completed));
    const [first, second] = await run(Promise.all(ends));
    expect(calls).toEqual({ a: [0, 1, 2, 3, 4, 5], b: [] });
    expect(first).toMatchObject({ status: 'completed', completed: 6, ran: 6 });
    expect(second).toMatchObject({ status: 'completed', completed: 6, ran: 0 });
    expect([...new Set(seen)]).toEqual([0, 2, 4, 6]);
  });

  test('a tab that dies is followed at once by the next, with what it had in hand', async () => {
    const { calls, line, clock } = await bothRunning();
    line.die('tab-1');
    await clock.advance(10);
    expect(calls.b).toEqual([0, 1]);
  });

  test('a tab that closes its hub is followed by the next', async () => {
    const { calls, hub, ends, run } = await bothRunning();
    await run(hub.close());
    expect(await run(ends[1])).toMatchObject({ status: 'completed', completed: 6, ran: 6 });
    expect(calls).toEqual({ a: [0, 1], b: [0, 1, 2, 3, 4, 5] });
  });

  test('stop in the first: the second does not go on by itself, and does when it is resumed', async () => {
    const { calls, a, b, clock, ends, run } = await bothRunning();
    await run(a.stop());
    await clock.advance(10_000);
    expect([calls.b, b.status]).toEqual([[], 'paused']);
    void b.resume();
    expect(await run(ends[1])).toMatchObject({ status: 'completed', completed: 6 });
  });

  test('pause and resume in the second hold for the first', async () => {
    const { calls, a, b, clock, ends, run } = await bothRunning();
    b.pause();
    await clock.advance(3_000);
    expect([calls.a, a.status, b.status]).toEqual([[0, 1], 'paused', 'paused']);
    void b.resume();
    await clock.advance(15_000); // A paused run asks once in a third of its lease.
    expect(await run(ends[0])).toMatchObject({ completed: 6, ran: 6 });
    expect(calls.b).toEqual([]);
  });

  test('close of the second leaves the first alone', async () => {
    const { calls, other, ends, run } = await bothRunning();
    await run(other.close());
    expect(await run(ends[1])).toMatchObject({ ran: 0 });
    expect(await run(ends[0])).toMatchObject({ status: 'completed', ran: 6 });
    expect(calls.b).toEqual([]);
  });

  test('stop in the second pauses the task, as it does from another process', async () => {
    const { b, a, ends, run, clock } = await bothRunning();
    await run(b.stop());
    expect(await run(ends[1])).toMatchObject({ status: 'paused', ran: 0 });
    await clock.advance(3_000);
    expect(a.status).toBe('paused');
  });

  test('destroy in the second ends both', async () => {
    const { b, ends, run } = await bothRunning();
    await run(b.destroy());
    for (const end of ends) expect(await run(rejection(end))).toMatchObject({ code: 'TASK_DELETED' });
  });

  test('a storage that fails in the second leaves the task running in the first', async () => {
    const { store, ends, run } = await bothRunning();
    // The next one: the second asks every 250 ms, the first when a job ends.
    const next = store.calls('exchange') + 1;
    store.plan = ({ method, nth }) =>
      method === 'exchange' && nth === next ? { error: new Error('no answer') } : undefined;
    expect(await run(rejection(ends[1]))).toMatchObject({ code: 'STORAGE_FAILED' });
    expect(await run(ends[0])).toMatchObject({ status: 'completed', ran: 6 });
  });

  test('a stream is read in the tab that runs it, and not again in the one that stood by', async () => {
    const line = new Line();
    const one = bench(Object.assign(new MemoryAdapter(), { turns: line, liveness: line }));
    const feeds = [new Feed(...numbers(4)), new Feed(...numbers(4))];
    const ends: Promise<RunSummary>[] = [];
    for (const [at, hub] of [one.hub, one.another()].entries()) {
      const source = streamSource(() => feeds[at] ?? [], { handler: takes(one.clock, 1_000) });
      ends.push((await one.run(hub.createTask({ name: 'task', source }))).start());
    }
    await one.clock.advance(500);
    feeds[0]?.end();
    await one.run(Promise.all(ends));
    expect(feeds.map(({ readings }) => readings)).toEqual([1, 0]);
    expect(await ends[1]).toMatchObject({ status: 'completed', completed: 4, ran: 0 });
  });
});
