// The README's example, as it stands there.
import { defineTask, Hub } from '@taskhub/core';
import { expect, test } from 'vitest';
import { IndexedDBAdapter } from '../../src/index.js';
import { deleteDatabase } from './databases.js';

test('readme: the example runs, and its results are there for the next page', async () => {
  const hub = new Hub(new IndexedDBAdapter('letters'));
  const task = await hub.createTask(defineTask({ name: 'letters', handler: (word: string) => word.length }), {
    inputs: ['core', 'and', 'storage'],
  });
  await task.start();
  await hub.close();

  const next = new Hub(new IndexedDBAdapter('letters'));
  const [meta] = await next.listTasks();
  expect(meta).toMatchObject({ name: 'letters', status: 'completed', completedJobs: 3 });
  await next.close();
  await deleteDatabase('letters');
});
