// Results of an earlier task, copied while jobs come in.
import {
  allJobs,
  claim,
  completed,
  countedRows,
  failed,
  givenTask,
  insert,
  jobAt,
  keptCounts,
  NO_COUNTS,
  newJob,
  newJobs,
  newTask,
  provisionalTask,
  rootOf,
  seqs,
  settle,
  statuses,
  T0,
} from './fixtures.js';
import type { Suite } from './suite.js';

/** Results of another task are copied. */
export function reuseCases({ spec }: Suite): void {
  spec('reuse: a completed result of an equal hash is copied whole', async ({ store, equal }) => {
    await givenTask(store, 'old', 1);
    await claim(store, 'old', 1);
    await settle(store, 'old', [completed(1, '"kept"')]);
    await store.insertTask(newTask('new', { reuseFrom: 'old' }));
    const result = await insert(store, 'new', [newJob(1), newJob(2)]);
    const counts = { ...NO_COUNTS, total: 2, pending: 1, completed: 1 };
    equal(result, { inserted: 2, duplicates: [], reused: 1, counts });
    equal(await jobAt(store, 'new', 1), await jobAt(store, 'old', 1));
    equal(await statuses(store, 'new'), ['completed', 'pending']);
  });

  spec('reuse: the copy stands at its own place, with its own input', async ({ store, equal }) => {
    await givenTask(store, 'old', 3);
    await claim(store, 'old', 3);
    await settle(store, 'old', [completed(3, '"three"')]);
    await store.insertTask(newTask('new', { reuseFrom: 'old' }));
    await insert(store, 'new', [newJob(3, { seq: 7, input: 'another text' })]);
    const row = await jobAt(store, 'new', 7);
    equal([row.input, row.output, row.status], ['another text', '"three"', 'completed']);
  });

  spec('reuse: a null output is copied', async ({ store, equal }) => {
    await givenTask(store, 'old', 1);
    await claim(store, 'old', 1);
    await settle(store, 'old', [completed(1, null)]);
    await store.insertTask(newTask('new', { reuseFrom: 'old' }));
    equal((await insert(store, 'new', [newJob(1)])).reused, 1);
    equal((await jobAt(store, 'new', 1)).output, null);
  });

  spec('reuse: jobs that failed, run or wait are not copied', async ({ store, equal }) => {
    await givenTask(store, 'old', 4);
    await claim(store, 'old', 3);
    await settle(store, 'old', [
      failed(1),
      { seq: 2, startedAt: T0, endedAt: T0, outcome: 'retry', error: 'x', dueAt: T0 },
    ]);
    await store.insertTask(newTask('new', { reuseFrom: 'old' }));
    equal((await insert(store, 'new', newJobs(1, 4))).reused, 0);
    equal(await statuses(store, 'new'), ['pending', 'pending', 'pending', 'pending']);
  });

  spec('reuse: only the task that was named is copied from', async ({ store, equal }) => {
    for (const id of ['old', 'older']) {
      await givenTask(store, id, 2);
      await claim(store, id, 2);
    }
    await settle(store, 'old', [completed(1, '"old"')]);
    await settle(store, 'older', [completed(1, '"older"'), completed(2, '"older"')]);
    await store.insertTask(newTask('new', { reuseFrom: 'old' }));
    equal((await insert(store, 'new', newJobs(1, 2))).reused, 1);
    equal(
      (await allJobs(store, 'new')).map((row) => row.output),
      ['"old"', null],
    );
  });

  spec('reuse: without it nothing is copied', async ({ store, equal }) => {
    await givenTask(store, 'old', 1);
    await claim(store, 'old', 1);
    await settle(store, 'old', [completed(1)]);
    await store.insertTask(newTask('new'));
    equal((await insert(store, 'new', [newJob(1)])).reused, 0);
  });

  spec('reuse: fresh jobs between copied ones are claimed, in order, and only they', async (world) => {
    const { store, equal } = world;
    await givenTask(store, 'old', 6);
    await claim(store, 'old', 6);
    await settle(
      store,
      'old',
      [1, 3, 4, 6].map((seq) => completed(seq)),
    );
    await store.insertTask(newTask('new', { reuseFrom: 'old' }));
    await insert(store, 'new', newJobs(1, 7));
    const first = await claim(store, 'new', 2);
    equal(seqs(first.claimed), [2, 5]);
    equal(first.counts, { ...NO_COUNTS, total: 7, pending: 1, active: 2, completed: 4 });
    equal(seqs((await claim(store, 'new', 2)).claimed), [7]);
    equal(await keptCounts(store, 'new'), await countedRows(store, 'new'));
  });

  spec('reuse: a task of copies only has nothing to claim', async ({ store, equal }) => {
    await givenTask(store, 'old', 2);
    await claim(store, 'old', 2);
    await settle(store, 'old', [completed(1), completed(2)]);
    await store.insertTask(newTask('new', { reuseFrom: 'old' }));
    await insert(store, 'new', newJobs(1, 2));
    const result = await claim(store, 'new', 5);
    equal([result.claimed, result.nextDueAt], [[], null]);
    equal(result.counts, { ...NO_COUNTS, total: 2, completed: 2 });
  });

  spec('reuse: the task adds up what was copied', async ({ store, equal }) => {
    await givenTask(store, 'old', 4);
    await claim(store, 'old', 4);
    await settle(store, 'old', [completed(1), completed(2), completed(4)]);
    await store.insertTask(provisionalTask('p', { reuseFrom: 'old' }));
    await insert(store, 'p', newJobs(1, 2));
    await insert(store, 'p', newJobs(3, 4));
    equal((await store.readTask('p'))?.reused, 3);
    await store.publishTask('p', { id: 'new', root: rootOf('x'), duplicates: 0 }, T0);
    equal((await store.readTask('new'))?.reused, 3);
  });

  spec('reuse: a duplicate is not copied again', async ({ store, equal }) => {
    await givenTask(store, 'old', 1);
    await claim(store, 'old', 1);
    await settle(store, 'old', [completed(1)]);
    await store.insertTask(newTask('new', { reuseFrom: 'old' }));
    const result = await insert(store, 'new', [newJob(1), newJob(1, { seq: 2 })]);
    equal([result.inserted, result.reused, result.duplicates.length], [1, 1, 1]);
    equal((await insert(store, 'new', [newJob(1, { seq: 3 })])).reused, 0);
    equal((await store.readTask('new'))?.reused, 1);
  });

  spec('reuse: a task that is gone leaves all jobs fresh', async ({ store, equal }) => {
    await givenTask(store, 'old', 4);
    await claim(store, 'old', 4);
    await settle(
      store,
      'old',
      newJobs(1, 4).map((job) => completed(job.seq)),
    );
    await store.insertTask(newTask('new', { reuseFrom: 'old' }));
    await insert(store, 'new', newJobs(1, 2));
    await store.deleteTask('old');
    equal((await insert(store, 'new', newJobs(3, 4))).reused, 0);
    equal(await statuses(store, 'new'), ['completed', 'completed', 'pending', 'pending']);
    equal((await jobAt(store, 'new', 2)).output, '"out 2"');
  });

  spec(
    'reuse: nothing of a deleted task is copied, also when another has its id',
    async ({ store, equal }) => {
      await givenTask(store, 'old', 1);
      await claim(store, 'old', 1);
      await settle(store, 'old', [completed(1)]);
      await store.deleteTask('old');
      await givenTask(store, 'old', 1);
      await store.insertTask(newTask('new', { reuseFrom: 'old' }));
      equal((await insert(store, 'new', [newJob(1)])).reused, 0);
    },
  );

  spec('reuse: copied results can be copied again', async ({ store, equal }) => {
    await givenTask(store, 'a', 1);
    await claim(store, 'a', 1);
    await settle(store, 'a', [completed(1, '"kept"')]);
    await store.insertTask(newTask('b', { reuseFrom: 'a' }));
    await insert(store, 'b', [newJob(1)]);
    await store.insertTask(newTask('c', { reuseFrom: 'b' }));
    equal((await insert(store, 'c', [newJob(1)])).reused, 1);
    equal((await jobAt(store, 'c', 1)).output, '"kept"');
  });
}
