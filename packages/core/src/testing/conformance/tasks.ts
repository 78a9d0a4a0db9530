// Tasks: insert, publish, list, transition, delete.
import {
  allJobs,
  claim,
  completed,
  exchange,
  givenTask,
  insert,
  NO_COUNTS,
  newJobs,
  newTask,
  provisionalTask,
  rootOf,
  T0,
} from './fixtures.js';
import type { Suite } from './suite.js';

const ids = (page: { rows: { id: string }[] }): string[] => page.rows.map((task) => task.id);

/** Tasks are inserted, published, listed, changed and deleted. */
export function taskCases({ spec }: Suite): void {
  spec('insertTask: gives the new task as it is stored', async ({ store, equal }) => {
    const { task, created } = await store.insertTask(newTask('t', { name: 'import', options: '{"a":1}' }));
    equal(created, true);
    equal(task, {
      id: 't',
      no: task.no,
      name: 'import',
      status: 'idle',
      root: null,
      options: '{"a":1}',
      ingested: false,
      lastSeq: 0,
      counts: NO_COUNTS,
      duplicates: 0,
      reused: 0,
      createdAt: T0,
      updatedAt: T0,
    });
    equal(await store.readTask('t'), task);
  });

  spec('insertTask: an id that is there gives that task and writes nothing', async ({ store, equal }) => {
    const before = await givenTask(store, 't', 2, { options: 'first' });
    const again = await store.insertTask(newTask('t', { name: 'x', options: 'second', now: T0 + 5 }));
    equal(again.created, false);
    equal(again.task.options, 'first');
    equal(again.task.name, before.name);
    equal(again.task.lastSeq, 2);
    equal(await store.readTask('t'), again.task);
  });

  spec('insertTask: of two at once, one creates', async ({ store, other, equal }) => {
    const second = await other();
    const results = await Promise.all([store.insertTask(newTask('t')), second.insertTask(newTask('t'))]);
    equal(results.filter((result) => result.created).length, 1);
    equal(results[0].task, results[1].task);
  });

  spec('insertTask: a provisional task can be read by its id', async ({ store, equal }) => {
    await store.insertTask(provisionalTask('p'));
    equal((await store.readTask('p'))?.status, 'ingesting');
  });

  spec('readTask: an unknown id gives null', async ({ store, equal }) => {
    equal(await store.readTask('nobody'), null);
  });

  spec('listTasks: an empty store gives an empty page', async ({ store, equal }) => {
    equal(await store.listTasks({ limit: 10 }), { rows: [], next: null });
  });

  spec('listTasks: a provisional task is not listed', async ({ store, equal }) => {
    await givenTask(store, 't');
    await store.insertTask(provisionalTask('p'));
    equal(ids(await store.listTasks({ limit: 10 })), ['t']);
  });

  spec('listTasks: a provisional task is listed when its status is asked for', async ({ store, equal }) => {
    await givenTask(store, 't');
    await store.insertTask(provisionalTask('p'));
    equal(ids(await store.listTasks({ status: 'ingesting', limit: 10 })), ['p']);
  });

  spec('listTasks: the newest comes first', async ({ store, equal }) => {
    for (const [at, id] of ['a', 'b', 'c'].entries()) await givenTask(store, id, 0, { now: T0 + at });
    equal(ids(await store.listTasks({ limit: 10 })), ['c', 'b', 'a']);
  });

  spec('listTasks: of tasks created in the same ms, the one inserted last comes first', async (world) => {
    for (const id of ['b', 'c', 'a']) await givenTask(world.store, id);
    world.equal(ids(await world.store.listTasks({ limit: 10 })), ['a', 'c', 'b']);
  });

  spec('listTasks: pages follow one another until next is null', async ({ store, equal }) => {
    for (const id of ['a', 'b', 'c', 'd']) await givenTask(store, id);
    const first = await store.listTasks({ limit: 2 });
    equal(ids(first), ['d', 'c']);
    equal(first.next === null, false);
    const second = await store.listTasks({ limit: 2, after: first.next ?? 0 });
    equal(ids(second), ['b', 'a']);
    equal(second.next, null);
  });

  spec('listTasks: a task inserted between two pages moves nothing', async ({ store, equal }) => {
    for (const id of ['a', 'b', 'c']) await givenTask(store, id);
    const first = await store.listTasks({ limit: 2 });
    await givenTask(store, 'd');
    equal(ids(await store.listTasks({ limit: 2, after: first.next ?? 0 })), ['a']);
  });

  spec('listTasks: by name', async ({ store, equal }) => {
    await givenTask(store, 'a', 0, { name: 'import' });
    await givenTask(store, 'b', 0, { name: 'Import' });
    await givenTask(store, 'c', 0, { name: 'import' });
    equal(ids(await store.listTasks({ name: 'import', limit: 10 })), ['c', 'a']);
  });

  spec('listTasks: by status', async ({ store, equal }) => {
    for (const id of ['a', 'b']) await givenTask(store, id);
    await store.transitionTask('a', ['idle'], { status: 'running' }, T0);
    equal(ids(await store.listTasks({ status: 'running', limit: 10 })), ['a']);
  });

  spec('listTasks: by root, which tasks of several names may share', async ({ store, equal }) => {
    for (const id of ['a', 'b', 'c']) {
      await store.insertTask(provisionalTask(`p${id}`));
      const root = rootOf(id === 'b' ? 'other data' : 'data');
      await store.publishTask(`p${id}`, { id, root, duplicates: 0 }, T0);
    }
    equal(ids(await store.listTasks({ root: rootOf('data'), limit: 10 })), ['c', 'a']);
    equal(ids(await store.listTasks({ root: rootOf('nothing'), limit: 10 })), []);
  });

  spec('listTasks: all that is asked for must hold', async ({ store, equal }) => {
    await givenTask(store, 'a', 0, { name: 'x' });
    await givenTask(store, 'b', 0, { name: 'x' });
    await givenTask(store, 'c', 0, { name: 'y' });
    for (const id of ['b', 'c']) await store.transitionTask(id, ['idle'], { status: 'paused' }, T0);
    equal(ids(await store.listTasks({ name: 'x', status: 'paused', limit: 10 })), ['b']);
  });

  spec('listTasks: pages of a filter hold only what it asks for', async ({ store, equal }) => {
    for (const id of ['a', 'b', 'c', 'd']) {
      await givenTask(store, id, 0, { name: id === 'c' ? 'y' : 'x' });
    }
    const first = await store.listTasks({ name: 'x', limit: 2 });
    equal(ids(first), ['d', 'b']);
    equal(ids(await store.listTasks({ name: 'x', limit: 2, after: first.next ?? 0 })), ['a']);
  });

  spec('publishTask: the task becomes idle under its final id, with its root and ingested', async (world) => {
    const { store, equal } = world;
    await store.insertTask(provisionalTask('p', { name: 'import', options: '{"a":1}' }));
    await insert(store, 'p', newJobs(1, 3));
    const root = rootOf('data');
    const { task, created } = await store.publishTask('p', { id: 't', root, duplicates: 4 }, T0 + 7);
    equal(created, true);
    equal(task, {
      id: 't',
      no: task.no,
      name: 'import',
      status: 'idle',
      root,
      options: '{"a":1}',
      ingested: true,
      lastSeq: 3,
      counts: { ...NO_COUNTS, total: 3, pending: 3 },
      duplicates: 4,
      reused: 0,
      createdAt: T0,
      updatedAt: T0 + 7,
    });
    equal(await store.readTask('t'), task);
  });

  spec('publishTask: nothing is left under the provisional id', async ({ store, equal }) => {
    await store.insertTask(provisionalTask('p'));
    await insert(store, 'p', newJobs(1, 3));
    await store.publishTask('p', { id: 't', root: rootOf('data'), duplicates: 0 }, T0);
    equal(await store.readTask('p'), null);
    equal(await allJobs(store, 'p'), []);
    equal((await allJobs(store, 't')).length, 3);
  });

  spec(
    'publishTask: a final id that is taken deletes the provisional task and gives the other',
    async (world) => {
      const { store, equal } = world;
      await givenTask(store, 't', 2, { options: 'first' });
      await store.insertTask(provisionalTask('p', { options: 'second' }));
      await insert(store, 'p', newJobs(1, 3));
      const { task, created } = await store.publishTask(
        'p',
        { id: 't', root: rootOf('x'), duplicates: 5 },
        T0 + 7,
      );
      equal(created, false);
      equal([task.options, task.root, task.lastSeq, task.duplicates], ['first', null, 2, 0]);
      equal(await store.readTask('t'), task);
      equal(await store.readTask('p'), null);
      equal(await allJobs(store, 'p'), []);
      equal((await allJobs(store, 't')).length, 2);
    },
  );

  spec('publishTask: of two provisional tasks with the same data, one is published', async (world) => {
    const { store, other, equal } = world;
    const second = await other();
    await store.insertTask(provisionalTask('p1', { owner: 'ann' }));
    await second.insertTask(provisionalTask('p2', { owner: 'bob' }));
    const final = { id: 't', root: rootOf('data'), duplicates: 0 };
    const results = await Promise.all([
      store.publishTask('p1', final, T0),
      second.publishTask('p2', final, T0),
    ]);
    equal(results.filter((result) => result.created).length, 1);
    equal(ids(await store.listTasks({ limit: 10 })), ['t']);
    equal(ids(await store.listTasks({ status: 'ingesting', limit: 10 })), []);
  });

  spec('publishTask: a provisional task that is gone gives the task of the final id', async (world) => {
    const { store, equal } = world;
    await givenTask(store, 't', 1);
    const { task, created } = await store.publishTask('p', { id: 't', root: rootOf('x'), duplicates: 0 }, T0);
    equal(created, false);
    equal(task, await store.readTask('t'));
  });

  spec('publishTask: a provisional task that is gone, and no final one, is TASK_DELETED', async (world) => {
    const final = { id: 't', root: rootOf('x'), duplicates: 0 };
    await world.rejects('TASK_DELETED', world.store.publishTask('p', final, T0));
    world.equal(await world.store.readTask('t'), null);
  });

  spec('publishTask: the lease of the ingesting owner ends', async ({ store, equal }) => {
    await store.insertTask(provisionalTask('p'));
    await store.publishTask('p', { id: 't', root: rootOf('data'), duplicates: 0 }, T0);
    equal(await store.listOwners('t'), []);
  });

  spec('publishTask: keeps the place of the task among the others', async ({ store, equal }) => {
    await store.insertTask(provisionalTask('p', { now: T0 }));
    await givenTask(store, 'later', 0, { now: T0 + 1 });
    await store.publishTask('p', { id: 't', root: rootOf('data'), duplicates: 0 }, T0 + 2);
    equal(ids(await store.listTasks({ limit: 10 })), ['later', 't']);
  });

  spec(
    'transitionTask: from one of the statuses, writes the patch and gives the new record',
    async (world) => {
      const { store, equal } = world;
      await givenTask(store, 't');
      const task = await store.transitionTask('t', ['paused', 'idle'], { status: 'running' }, T0 + 3);
      equal([task?.status, task?.updatedAt, task?.createdAt], ['running', T0 + 3, T0]);
      equal(await store.readTask('t'), task);
    },
  );

  spec('transitionTask: from another status, gives null and writes nothing', async ({ store, equal }) => {
    const before = await givenTask(store, 't');
    equal(await store.transitionTask('t', ['running'], { status: 'paused', options: 'x' }, T0 + 3), null);
    equal(await store.readTask('t'), before);
  });

  spec('transitionTask: writes every field of the patch', async ({ store, equal }) => {
    const before = await givenTask(store, 't');
    const patch = { status: 'failed', options: '{"b":2}', ingested: true, duplicates: 9 } as const;
    const after = await store.transitionTask('t', ['idle'], patch, T0 + 3);
    equal(after, { ...before, ...patch, updatedAt: T0 + 3 });
  });

  spec('transitionTask: an absent field stays as it was', async ({ store, equal }) => {
    await givenTask(store, 't', 0, { options: '{"a":1}' });
    await store.transitionTask('t', ['idle'], { duplicates: 2 }, T0 + 1);
    const task = await store.transitionTask('t', ['idle'], { ingested: true }, T0 + 2);
    equal([task?.status, task?.options, task?.duplicates, task?.ingested], ['idle', '{"a":1}', 2, true]);
  });

  spec('transitionTask: of two at once from the same status, one wins', async ({ store, other, equal }) => {
    await givenTask(store, 't');
    const second = await other();
    const results = await Promise.all([
      store.transitionTask('t', ['idle'], { status: 'running' }, T0),
      second.transitionTask('t', ['idle'], { status: 'paused' }, T0),
    ]);
    equal(results.filter((task) => task !== null).length, 1);
  });

  spec('transitionTask: an unknown task gives null', async ({ store, equal }) => {
    equal(await store.transitionTask('t', ['idle'], { status: 'running' }, T0), null);
  });

  spec('deleteTask: removes a task with its jobs', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    await claim(store, 't', 2);
    await exchange(store, 't', { settle: [completed(1)] });
    equal(await store.deleteTask('t'), true);
    equal(await store.readTask('t'), null);
    equal(await allJobs(store, 't'), []);
    equal(await store.listOwners('t'), []);
    equal(ids(await store.listTasks({ limit: 10 })), []);
  });

  spec('deleteTask: false when there is none', async ({ store, equal }) => {
    equal(await store.deleteTask('t'), false);
  });

  spec('deleteTask: a provisional task too', async ({ store, equal }) => {
    await store.insertTask(provisionalTask('p'));
    await insert(store, 'p', newJobs(1, 3));
    equal(await store.deleteTask('p'), true);
    equal(ids(await store.listTasks({ status: 'ingesting', limit: 10 })), []);
    equal(await store.listOwners('p'), []);
  });

  spec('deleteTask: other tasks keep their jobs', async ({ store, equal }) => {
    for (const id of ['a', 'b', 'c']) await givenTask(store, id, 3);
    await store.deleteTask('b');
    equal([(await allJobs(store, 'a')).length, (await allJobs(store, 'c')).length], [3, 3]);
  });

  spec('deleteTask: a later task of the same id begins with nothing', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    await claim(store, 't', 3);
    await store.deleteTask('t');
    const task = await givenTask(store, 't');
    equal([task.lastSeq, task.counts, task.duplicates], [0, NO_COUNTS, 0]);
    equal(await allJobs(store, 't'), []);
    equal((await insert(store, 't', newJobs(1, 3))).inserted, 3);
    equal((await claim(store, 't', 9, { owner: 'bob' })).claimed.length, 3);
  });

  spec(
    'deleteTask: a late settlement does not reach a later task of the same id',
    async ({ store, equal }) => {
      await givenTask(store, 't', 1);
      await claim(store, 't', 1);
      await store.deleteTask('t');
      await givenTask(store, 't', 1);
      await claim(store, 't', 1, { owner: 'bob' });
      equal((await exchange(store, 't', { settle: [completed(1)] })).lost, [1]);
      equal((await allJobs(store, 't'))[0]?.status, 'active');
    },
  );

  spec('deleteTask: a deleted task has no jobs, no owners, nothing to release or reset', async (world) => {
    const { store, equal } = world;
    await givenTask(store, 't', 2);
    await claim(store, 't', 2);
    await store.deleteTask('t');
    equal(await store.readJobs('t', { limit: 10 }), { rows: [], next: null });
    equal(await store.listOwners('t'), []);
    equal(await store.releaseJobs('t', { owner: 'ann', crashed: true }, T0), 0);
    equal(await store.resetFailed('t', 10, T0), { reset: 0, counts: NO_COUNTS });
    equal(await store.transitionTask('t', ['idle'], { status: 'running' }, T0), null);
  });
}
