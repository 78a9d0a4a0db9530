// The engine on a browser store, in one page: runs, failures, retries, two hubs.
import { defineTask, Hub, type StorageAdapter } from '@taskhub/core';
import { expect, test } from 'vitest';

/** What a store brings. */
export interface BrowserStore {
  /** As in the option `storage`. */
  name: string;
  newName(): string;
  newStore(database: string): StorageAdapter;
  deleteDatabase(database: string): Promise<void>;
}

const inputs = Array.from({ length: 2_000 }, (_, n) => ({ n }));

/** Registers the tests. */
export function engineTests({ name, newName, newStore, deleteDatabase }: BrowserStore): void {
  test('2,000 jobs run to their end, and a second run has nothing left to do', async () => {
    const database = newName();
    let calls = 0;
    const squares = defineTask({
      name: 'squares',
      concurrency: { initial: 50, max: 200 },
      retry: { baseDelay: 1 },
      handler: ({ n }: { n: number }, { attempt }) => {
        calls += 1;
        if (n % 100 === 7 && attempt === 1) throw new Error('HTTP 500');
        if (n % 500 === 9) throw new Error('no square today');
        return n * n;
      },
    });
    await using hub = new Hub(newStore(database));
    expect(hub.storage).toMatchObject({ name, persistent: true });
    const task = await hub.createTask(squares, { inputs });
    const summary = await task.start();
    expect(summary).toMatchObject({ total: 2_000, completed: 1_996, failed: 4 });
    const again = await hub.createTask(squares, { inputs });
    expect(again.created).toBe(false);
    expect(calls).toBe(2_000 + 20); // The retries.
    const results = await task.getResults({ status: 'completed' });
    expect(results.map(({ output }) => output)).toEqual(
      inputs.filter(({ n }) => n % 500 !== 9).map(({ n }) => n * n),
    );
    expect(await task.retryFailed()).toBe(4);
    await hub.close();
    await deleteDatabase(database);
  });

  test('two hubs share one task, and no job runs in both', async () => {
    const database = newName();
    const ran: number[] = [];
    const doubles = defineTask({
      name: 'doubles',
      concurrency: { initial: 10, max: 10 },
      handler: async ({ n }: { n: number }) => {
        ran.push(n);
        await new Promise((resolve) => setTimeout(resolve, 1));
        return 2 * n;
      },
    });
    const hubs = [new Hub(newStore(database)), new Hub(newStore(database))];
    const tasks = await Promise.all(
      hubs.map((hub) => hub.createTask(doubles, { inputs: inputs.slice(0, 500) })),
    );
    expect(tasks.filter((task) => task.created).length).toBe(1);
    const summaries = await Promise.all(tasks.map((task) => task.start()));
    expect(summaries.map(({ status }) => status)).toEqual(['completed', 'completed']);
    expect(ran.sort((a, b) => a - b)).toEqual(inputs.slice(0, 500).map(({ n }) => n));
    for (const hub of hubs) await hub.close();
    await deleteDatabase(database);
  });
}
