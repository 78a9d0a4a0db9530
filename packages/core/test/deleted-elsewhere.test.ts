// behaviour.md, section 8: a process that finds its task gone rejects with TASK_DELETED, whenever that was.
import { describe, expect, test } from 'vitest';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { FaultyAdapter } from '../src/testing/faulty-adapter.js';
import { bench, heard, listSource, numbers, rejection, streamSource } from './fixtures.js';

const SOURCES = { deterministic: listSource(numbers(12)), dynamic: streamSource(() => numbers(12)) };

/** A task of which another process deletes the rows before the `at`-th call of the store. */
async function deletedBefore(at: number, type: keyof typeof SOURCES) {
  const inner = new MemoryAdapter();
  const adapter = new FaultyAdapter(inner);
  const b = bench(adapter);
  const task = await b.run(b.hub.createTask({ name: 'n', source: SOURCES[type] }));
  let calls = 0;
  adapter.plan = () => (++calls === at ? { until: inner.deleteTask(task.id) } : undefined);
  return { ...b, task, calls: () => calls };
}

describe.each(['deterministic', 'dynamic'] as const)('a %s task that is deleted elsewhere', (type) => {
  test('before any call of the store of its run: start() rejects with TASK_DELETED', async () => {
    const whole = await deletedBefore(0, type);
    await whole.run(whole.task.start());
    expect(whole.calls()).toBeGreaterThan(5);
    for (let at = 1; at <= whole.calls(); at += 1) {
      const { task, run, hub } = await deletedBefore(at, type);
      const lines = heard(task);
      expect(await rejection(run(task.start())), `call ${at}`).toMatchObject({ code: 'TASK_DELETED' });
      expect(lines, `call ${at}`).not.toContain('completed');
      expect(await run(hub.listTasks())).toEqual([]);
    }
  });

  test('while it does not run: getProgress rejects with TASK_DELETED', async () => {
    const { task, run, adapter } = await deletedBefore(0, type);
    await adapter.deleteTask(task.id);
    expect(await rejection(run(task.getProgress()))).toMatchObject({ code: 'TASK_DELETED' });
  });
});
