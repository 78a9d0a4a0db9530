// What is there again when the store is closed and opened; opening and closing themselves.
import {
  allJobs,
  claim,
  completed,
  failed,
  givenTask,
  insert,
  interrupted,
  LEASE,
  NO_COUNTS,
  newJobs,
  provisionalTask,
  retry,
  rootOf,
  seqs,
  settle,
  T0,
  throttled,
} from './fixtures.js';
import type { Suite } from './suite.js';

/** Stores are closed and opened again. */
export function persistenceCases({ spec }: Suite): void {
  spec('reopen: tasks and jobs in every state are there again', async ({ store, reopen, equal }) => {
    await store.insertTask(provisionalTask('p'));
    await insert(store, 'p', newJobs(1, 8));
    await store.publishTask('p', { id: 't', root: rootOf('x'), duplicates: 3 }, T0);
    await claim(store, 't', 6);
    await settle(store, 't', [
      completed(1),
      failed(2),
      retry(3, T0 + 5),
      throttled(4, T0 + 7),
      interrupted(5, T0 + 6),
    ]);
    const tasks = await store.listTasks({ limit: 9 });
    const jobs = await allJobs(store, 't');
    const again = await reopen();
    equal(await again.listTasks({ limit: 9 }), tasks);
    equal(await allJobs(again, 't'), jobs);
  });

  spec('reopen: claims go on where they were', async ({ store, reopen, equal }) => {
    await givenTask(store, 't', 5);
    await claim(store, 't', 3, { owner: 'ann' });
    await settle(store, 't', [completed(1), retry(2, T0 + 5)], { owner: 'ann' });
    const again = await reopen();
    const result = await claim(again, 't', 9, { owner: 'bob', now: T0 + 9 });
    equal([seqs(result.claimed), result.nextDueAt], [[2, 4, 5], T0 + LEASE]);
    equal(result.counts, { ...NO_COUNTS, total: 5, active: 4, completed: 1 });
  });

  spec('reopen: an owner still holds its jobs', async ({ store, reopen, equal }) => {
    await givenTask(store, 't', 2);
    await claim(store, 't', 1, { owner: 'ann' });
    const again = await reopen();
    equal(await again.listOwners('t'), [{ id: 'ann', leaseUntil: T0 + LEASE }]);
    equal((await settle(again, 't', [completed(1)], { owner: 'ann' })).lost, []);
  });

  spec('reopen: duplicates are known', async ({ store, reopen, equal }) => {
    await givenTask(store, 't', 5);
    const again = await reopen();
    const result = await insert(again, 't', newJobs(4, 7));
    equal([result.inserted, result.duplicates.map((duplicate) => duplicate.seq)], [2, [4, 5]]);
  });

  spec('reopen: a provisional task and who ingests it are there again', async ({ store, reopen, equal }) => {
    await store.insertTask(provisionalTask('p', { owner: 'ann' }));
    await insert(store, 'p', newJobs(1, 2));
    const again = await reopen();
    equal(
      (await again.listTasks({ status: 'ingesting', limit: 9 })).rows.map((task) => task.id),
      ['p'],
    );
    equal(await again.listOwners('p'), [{ id: 'ann', leaseUntil: T0 + LEASE }]);
    await again.publishTask('p', { id: 't', root: rootOf('x'), duplicates: 0 }, T0);
    equal((await claim(again, 't', 9)).claimed.length, 2);
  });

  spec('reopen: reuse goes on', async ({ store, reopen, equal }) => {
    await givenTask(store, 'old', 4);
    await claim(store, 'old', 4);
    await settle(store, 'old', [completed(1), completed(3)]);
    await givenTask(store, 'new', 2, { reuseFrom: 'old' });
    const again = await reopen();
    equal((await insert(again, 'new', newJobs(3, 4))).reused, 1);
    equal(seqs((await claim(again, 'new', 9)).claimed), [2, 4]);
  });

  spec('reopen: a deleted task stays deleted', async ({ store, reopen, equal }) => {
    await givenTask(store, 't', 3);
    await store.deleteTask('t');
    const again = await reopen();
    equal(await again.readTask('t'), null);
    equal((await givenTask(again, 't')).lastSeq, 0);
    equal(await allJobs(again, 't'), []);
  });

  spec('open: a second time changes nothing', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await store.open();
    equal((await allJobs(store, 't')).length, 1);
  });

  spec('close: a second time changes nothing', async ({ store, reopen, equal }) => {
    await givenTask(store, 't', 1);
    await store.close();
    await store.close();
    equal((await allJobs(await reopen(), 't')).length, 1);
  });

  spec('close: one handle closed leaves the other in use', async ({ store, other, reopen, equal }) => {
    await givenTask(store, 't', 1);
    const second = await other();
    if (second !== store) await store.close();
    const used = second === store ? await reopen() : second;
    equal(seqs((await claim(used, 't', 1)).claimed), [1]);
    await reopen(); // the handle that the test began with is closed
  });

  spec('other handle: sees at once what was written here', async ({ store, other, equal }) => {
    const second = await other();
    await givenTask(store, 't', 3);
    await claim(store, 't', 2);
    await settle(store, 't', [completed(1)]);
    equal(await second.readTask('t'), await store.readTask('t'));
    equal(await allJobs(second, 't'), await allJobs(store, 't'));
    equal(await second.listOwners('t'), await store.listOwners('t'));
  });
}
