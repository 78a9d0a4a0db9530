// The README's example, as it stands there but for the place of the worker.
import { defineTask, Hub } from '@taskhub/core';
import { expect, test } from 'vitest';
import { OPFSAdapter as Adapter } from '../../src/index.js';
import { deleteDatabase, workerUrl } from './databases.js';

/** The tests run from the sources, and the worker is built. */
class OPFSAdapter extends Adapter {
  constructor(name: string) {
    super(name, { workerUrl });
  }
}

test('readme: the example runs, and its results are there for the next page', async () => {
  const hub = new Hub(new OPFSAdapter('letters'));
  const task = await hub.createTask(defineTask({ name: 'letters', handler: (word: string) => word.length }), {
    inputs: ['core', 'and', 'storage'],
  });
  await task.start();
  await hub.close();

  const next = new Hub(new OPFSAdapter('letters'));
  const [meta] = await next.listTasks();
  expect(meta).toMatchObject({ name: 'letters', status: 'completed', completedJobs: 3 });
  await next.close();
  await deleteDatabase('letters');
});
