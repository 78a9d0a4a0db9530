// What must hold of a database that an earlier version has written: see earlier-task.mjs.
import type { Hub } from '@taskhub/core';
import { expect } from 'vitest';

/** Every job is as it was, and the run goes on to its end. Closes the hub. */
export async function expectToGoOn(hub: Hub): Promise<void> {
  const [meta, ...others] = await hub.listTasks();
  expect(others).toEqual([]);
  expect(meta).toMatchObject({
    name: 'written by an earlier version',
    totalJobs: 14,
    completedJobs: 4,
    failedJobs: 1,
  });
  const calls: number[] = [];
  const source = {
    type: 'deterministic' as const,
    getData: () => [],
    handler: ({ n }: { n: number }) => {
      calls.push(n);
      return { square: n * n };
    },
  };
  const task = await hub.resumeTask(meta?.id ?? '', source, { retry: { baseDelay: 0 } });
  const before = (await task?.getResults()) ?? [];
  expect(before.map(({ status }) => status)).toEqual([
    ...Array(4).fill('completed'),
    'failed',
    ...Array(9).fill('pending'),
  ]);
  expect(before.map(({ input }) => input.n)).toEqual(Array.from({ length: 14 }, (_, n) => n));
  expect(before[4]?.failure).toMatchObject({ message: 'no such record', code: 'E_RECORD' });
  expect(before[5]).toMatchObject({ error: 'broken', attempts: 1 });
  // What was active when it was written counts as interrupted by a death.
  expect(before.slice(6, 10).map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1]);
  expect(await task?.start()).toMatchObject({ status: 'completed', completed: 13, failed: 1 });
  expect(calls.sort((a, b) => a - b)).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13]);
  const outputs = (await task?.getResults({ status: 'completed' })) ?? [];
  for (const { input, output } of outputs) expect(output).toEqual({ square: input.n * input.n });
  await hub.close();
}
