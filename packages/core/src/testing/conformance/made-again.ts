// A task that is deleted and made again under its id: its places hold other jobs, and who still means the old one
// must not reach it.
import {
  allJobs,
  claim,
  completed,
  exchange,
  givenTask,
  NO_COUNTS,
  newJob,
  newTask,
  provisionalTask,
  rootOf,
  T0,
} from './fixtures.js';
import type { Suite } from './suite.js';

/** Numbers of tasks, and calls that name one. */
export function madeAgainCases({ spec }: Suite): void {
  spec('no: each task has one of its own, and keeps it', async ({ store, equal }) => {
    const [a, b] = [await givenTask(store, 'a', 1), await givenTask(store, 'b')];
    equal(new Set([a.no, b.no]).size, 2);
    equal((await store.transitionTask('a', ['idle'], { status: 'running' }, T0))?.no, a.no);
    equal([(await store.readTask('a'))?.no, (await store.readTask('b'))?.no], [a.no, b.no]);
    const { rows } = await store.listTasks({ limit: 9 });
    equal(rows.map(({ no }) => no).sort(), [a.no, b.no].sort());
  });

  spec('no: publishTask keeps it', async ({ store, equal }) => {
    const { task } = await store.insertTask(provisionalTask('p'));
    const published = await store.publishTask('p', { id: 't', root: rootOf('x'), duplicates: 0 }, T0);
    equal(published.task.no, task.no);
  });

  spec('no: is not given again after the newest task was deleted, nor after a reopen', async (world) => {
    const { store, reopen, equal } = world;
    const numbers = [(await givenTask(store, 't')).no];
    await store.deleteTask('t');
    numbers.push((await givenTask(store, 't')).no);
    await store.deleteTask('t');
    const again = await reopen();
    numbers.push((await givenTask(again, 't')).no);
    equal(new Set(numbers).size, 3);
  });

  spec('exchange: with the number of the task, it is as without', async ({ store, equal }) => {
    const { no } = await givenTask(store, 't', 2);
    equal((await claim(store, 't', 1, { no })).claimed.length, 1);
    const { lost, counts, status } = await exchange(store, 't', { no, settle: [completed(1)] });
    equal([lost, counts.completed, status], [[], 1, 'idle']);
  });

  spec(
    'exchange: for a task that was made again, settles and claims nothing and says it is gone',
    async (world) => {
      const { store, other, equal } = world;
      const { no } = await givenTask(store, 't', 2);
      await claim(store, 't', 1, { no });
      const second = await other();
      await second.deleteTask('t');
      const later = await givenTask(second, 't', 2);
      // Even what this owner holds in the later one: the place is the same, the job another.
      await claim(second, 't', 1, { no: later.no });
      const before = await allJobs(second, 't');
      const batch = { no, settle: [completed(1), completed(2)] };
      const gone = { claimed: [], counts: NO_COUNTS, status: null, nextDueAt: null };
      equal(await exchange(store, 't', batch), { ...gone, lost: [1, 2] });
      equal(await claim(store, 't', 9, batch), { ...gone, lost: [1, 2] });
      equal(await claim(store, 't', 9, { no, owner: 'bob' }), { ...gone, lost: [] });
      equal(await allJobs(second, 't'), before);
      equal(
        (await second.listOwners('t')).map(({ id }) => id),
        ['ann'],
      );
      equal((await exchange(store, 't', { settle: [completed(1)], no: later.no })).lost, []);
    },
  );

  spec('insertJobs: for a task that was made again, throws TASK_DELETED and adds nothing', async (world) => {
    const { store, equal, rejects } = world;
    const { no } = await givenTask(store, 't', 1);
    await store.insertJobs('t', [newJob(2)], { now: T0, last: false, no });
    await store.deleteTask('t');
    const later = await givenTask(store, 't', 1);
    for (const last of [false, true])
      await rejects('TASK_DELETED', store.insertJobs('t', [newJob(2)], { now: T0, last, no }));
    equal((await store.readTask('t'))?.ingested, false);
    await store.insertJobs('t', [newJob(3)], { now: T0, last: true, no: later.no });
    equal(
      (await allJobs(store, 't')).map(({ seq }) => seq),
      [1, 3],
    );
  });

  spec('insertTask: an id that is there gives its number', async ({ store, equal }) => {
    const { no } = await givenTask(store, 't');
    equal((await store.insertTask(newTask('t'))).task.no, no);
  });
}
