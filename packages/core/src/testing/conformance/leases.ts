// Leases and what ends them; failed jobs put back.
import {
  allJobs,
  claim,
  completed,
  countedRows,
  exchange,
  failed,
  givenTask,
  insert,
  jobAt,
  keptCounts,
  LEASE,
  NO_COUNTS,
  newJobs,
  provisionalTask,
  retry,
  rootOf,
  seqs,
  settle,
  statuses,
  T0,
  throttled,
} from './fixtures.js';
import type { Suite } from './suite.js';

const LATER = T0 + 5_000;

/** Leases are listed, renewed and ended; failed jobs are put back. */
export function leaseCases({ spec }: Suite): void {
  spec('listOwners: those that work on a task, with the end of their lease', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    await claim(store, 't', 2, { owner: 'ann' });
    await claim(store, 't', 1, { owner: 'bob', now: LATER });
    const owners = await store.listOwners('t');
    equal(
      owners.sort((a, b) => a.leaseUntil - b.leaseUntil),
      [
        { id: 'ann', leaseUntil: T0 + LEASE },
        { id: 'bob', leaseUntil: LATER + LEASE },
      ],
    );
  });

  spec('listOwners: nobody holds a new task', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    equal(await store.listOwners('t'), []);
  });

  spec(
    'listOwners: one that holds nothing any more is listed until it is released',
    async ({ store, equal }) => {
      await givenTask(store, 't', 2);
      await claim(store, 't', 2, { owner: 'ann' });
      await settle(store, 't', [completed(1), retry(2, T0 + 500)], { owner: 'ann' });
      equal(await store.listOwners('t'), [{ id: 'ann', leaseUntil: T0 + LEASE }]);
      await store.releaseJobs('t', { owner: 'ann', crashed: false }, T0);
      equal(await store.listOwners('t'), []);
    },
  );

  spec('listOwners: one that claimed in vain is listed', async ({ store, equal }) => {
    await givenTask(store, 't');
    await claim(store, 't', 5, { owner: 'ann' });
    equal(await store.listOwners('t'), [{ id: 'ann', leaseUntil: T0 + LEASE }]);
  });

  spec('listOwners: one that only settles is not listed', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await settle(store, 't', [completed(1)], { owner: 'ann' });
    equal(await store.listOwners('t'), []);
  });

  spec(
    'listOwners: a lease that has passed is listed until its jobs are taken over',
    async ({ store, equal }) => {
      await givenTask(store, 't', 1);
      await claim(store, 't', 1, { owner: 'ann' });
      equal(await store.listOwners('t'), [{ id: 'ann', leaseUntil: T0 + LEASE }]);
      await exchange(store, 't', { owner: 'bob', now: T0 + LEASE });
      equal(await store.listOwners('t'), []);
    },
  );

  spec('listOwners: who ingests a provisional task', async ({ store, equal }) => {
    await store.insertTask(provisionalTask('p', { owner: 'ann', leaseUntil: T0 + 77 }));
    equal(await store.listOwners('p'), [{ id: 'ann', leaseUntil: T0 + 77 }]);
  });

  spec('listOwners: owners of another task are not listed', async ({ store, equal }) => {
    await givenTask(store, 'a', 1);
    await givenTask(store, 'b', 1);
    await claim(store, 'a', 1);
    equal(await store.listOwners('b'), []);
  });

  spec(
    'exchange: a claim moves the end of the lease, also one that gets nothing',
    async ({ store, equal }) => {
      await givenTask(store, 't', 1);
      await claim(store, 't', 1);
      equal((await claim(store, 't', 5, { now: LATER })).claimed, []);
      equal(await store.listOwners('t'), [{ id: 'ann', leaseUntil: LATER + LEASE }]);
    },
  );

  spec('exchange: settling alone leaves the end of the lease', async ({ store, equal }) => {
    await givenTask(store, 't', 2);
    await claim(store, 't', 2);
    await settle(store, 't', [completed(1)], { now: LATER });
    equal(await store.listOwners('t'), [{ id: 'ann', leaseUntil: T0 + LEASE }]);
  });

  spec('renewLeases: moves the end in every task of the owner', async ({ store, equal }) => {
    for (const id of ['a', 'b']) {
      await givenTask(store, id, 1);
      await claim(store, id, 1, { owner: 'ann' });
    }
    await store.renewLeases('ann', T0 + 99_000);
    equal(await store.listOwners('a'), [{ id: 'ann', leaseUntil: T0 + 99_000 }]);
    equal(await store.listOwners('b'), [{ id: 'ann', leaseUntil: T0 + 99_000 }]);
  });

  spec('renewLeases: moves the end for one that ingests', async ({ store, equal }) => {
    await store.insertTask(provisionalTask('p', { owner: 'ann' }));
    await store.renewLeases('ann', T0 + 99_000);
    equal(await store.listOwners('p'), [{ id: 'ann', leaseUntil: T0 + 99_000 }]);
  });

  spec('renewLeases: leaves the leases of others', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1, { owner: 'ann' });
    await store.renewLeases('bob', T0 + 99_000);
    equal(await store.listOwners('t'), [{ id: 'ann', leaseUntil: T0 + LEASE }]);
  });

  spec('renewLeases: a renewed lease is not taken over', async ({ store, other, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1, { owner: 'ann' });
    await store.renewLeases('ann', T0 + 2 * LEASE);
    const second = await other();
    equal(seqs((await claim(second, 't', 1, { owner: 'bob', now: T0 + LEASE })).claimed), []);
    equal(seqs((await claim(second, 't', 1, { owner: 'bob', now: T0 + 2 * LEASE })).claimed), [1]);
  });

  spec('renewLeases: an owner that lost its lease gets none back', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1, { owner: 'ann' });
    await exchange(store, 't', { owner: 'bob', now: T0 + LEASE });
    await store.renewLeases('ann', T0 + 9 * LEASE);
    equal(await store.listOwners('t'), []);
    equal((await settle(store, 't', [completed(1)], { owner: 'ann' })).lost, [1]);
  });

  spec('releaseJobs: after a crash the jobs wait, due now, each with a death counted', async (world) => {
    const { store, equal } = world;
    await givenTask(store, 't', 3);
    await claim(store, 't', 2, { owner: 'ann' });
    equal(await store.releaseJobs('t', { owner: 'ann', crashed: true }, LATER), 2);
    const row = await jobAt(store, 't', 1);
    equal([row.status, row.dueAt, row.attempts, row.startedAt], ['pending', LATER, 1, null]);
    equal(await keptCounts(store, 't'), { ...NO_COUNTS, total: 3, pending: 3, waiting: 2 });
    const { claimed } = await claim(store, 't', 9, { owner: 'bob', now: LATER });
    equal(
      claimed.map((job) => [job.seq, job.attempts, job.crashes]),
      [
        [1, 2, 1],
        [2, 2, 1],
        [3, 1, 0],
      ],
    );
  });

  spec('releaseJobs: without a crash the attempts are given back', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1, { owner: 'ann' });
    equal(await store.releaseJobs('t', { owner: 'ann', crashed: false }, LATER), 1);
    equal((await jobAt(store, 't', 1)).attempts, 0);
    const { claimed } = await claim(store, 't', 1, { owner: 'bob', now: LATER });
    equal(
      claimed.map((job) => [job.attempts, job.crashes]),
      [[1, 0]],
    );
  });

  spec('releaseJobs: the lease ends, and the owner settles nothing any more', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1, { owner: 'ann' });
    await store.releaseJobs('t', { owner: 'ann', crashed: false }, T0);
    equal(await store.listOwners('t'), []);
    equal((await settle(store, 't', [completed(1)], { owner: 'ann' })).lost, [1]);
    await store.renewLeases('ann', T0 + 9 * LEASE);
    equal(await store.listOwners('t'), []);
  });

  spec('releaseJobs: other owners and other tasks are left alone', async ({ store, equal }) => {
    for (const id of ['a', 'b']) {
      await givenTask(store, id, 2);
      await claim(store, id, 1, { owner: 'ann' });
      await claim(store, id, 1, { owner: 'bob' });
    }
    equal(await store.releaseJobs('a', { owner: 'ann', crashed: true }, T0), 1);
    equal(await statuses(store, 'a'), ['pending', 'active']);
    equal(await statuses(store, 'b'), ['active', 'active']);
    equal((await settle(store, 'b', [completed(1)], { owner: 'ann' })).lost, []);
  });

  spec('releaseJobs: settled and waiting jobs of the owner stay as they are', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    await claim(store, 't', 3);
    await settle(store, 't', [completed(1), retry(2, T0 + 500)]);
    equal(await store.releaseJobs('t', { owner: 'ann', crashed: true }, LATER), 1);
    equal(
      (await allJobs(store, 't')).map((row) => row.dueAt),
      [null, T0 + 500, LATER],
    );
  });

  spec('releaseJobs: an owner without jobs gives 0', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    equal(await store.releaseJobs('t', { owner: 'ann', crashed: true }, T0), 0);
  });

  spec('releaseJobs: ends the lease of one that ingests', async ({ store, equal }) => {
    await store.insertTask(provisionalTask('p', { owner: 'ann' }));
    await insert(store, 'p', newJobs(1, 2));
    equal(await store.releaseJobs('p', { owner: 'ann', crashed: true }, T0), 0);
    equal(await store.listOwners('p'), []);
    const { created } = await store.publishTask('p', { id: 't', root: rootOf('x'), duplicates: 0 }, T0);
    equal(created, true);
  });

  spec('resetFailed: failed jobs wait, due now, as if never tried, but with their error', async (world) => {
    const { store, equal } = world;
    await givenTask(store, 't', 1);
    await claim(store, 't', 1, { owner: 'ann' });
    await claim(store, 't', 1, { owner: 'bob', now: T0 + LEASE });
    const again = { owner: 'bob', now: T0 + LEASE };
    await claim(store, 't', 1, { ...again, settle: [throttled(1, T0 + LEASE)] });
    await settle(store, 't', [failed(1, 'why')], again);
    const result = await store.resetFailed('t', 10, T0 + 60_000);
    equal(result, { reset: 1, counts: { ...NO_COUNTS, total: 1, pending: 1, waiting: 1 } });
    const row = await jobAt(store, 't', 1);
    equal([row.status, row.error, row.attempts, row.throttles], ['pending', 'why', 0, 0]);
    equal([row.startedAt, row.endedAt, row.dueAt], [null, null, T0 + 60_000]);
    const { claimed } = await claim(store, 't', 1, { now: T0 + 60_000 });
    equal(
      claimed.map((job) => [job.attempts, job.throttles, job.crashes, job.error]),
      [[1, 0, 0, 'why']],
    );
  });

  spec('resetFailed: works in slices, from the lowest seq, until 0 come back', async ({ store, equal }) => {
    await givenTask(store, 't', 7);
    await claim(store, 't', 7);
    await settle(store, 't', [completed(2), ...[7, 1, 3, 4, 6].map((seq) => failed(seq)), completed(5)]);
    equal((await store.resetFailed('t', 2, T0)).reset, 2);
    equal(seqs(await allJobs(store, 't', { status: 'pending' })), [1, 3]);
    equal((await store.resetFailed('t', 2, T0)).reset, 2);
    equal((await store.resetFailed('t', 2, T0)).reset, 1);
    const end = await store.resetFailed('t', 2, T0);
    equal(end, { reset: 0, counts: { ...NO_COUNTS, total: 7, pending: 5, waiting: 5, completed: 2 } });
    equal(await countedRows(store, 't'), end.counts);
  });

  spec('resetFailed: with seqs, only those of them that failed', async ({ store, equal }) => {
    await givenTask(store, 't', 600);
    await claim(store, 't', 600);
    const all = Array.from({ length: 599 }, (_, at) => at + 1);
    await settle(store, 't', [completed(5), ...all.filter((seq) => seq !== 5).map((seq) => failed(seq))]);
    const result = await store.resetFailed('t', 1000, T0, [7, 599, 5, 300, 600, 601, 7]);
    equal(result.reset, 3);
    equal(result.counts, {
      ...NO_COUNTS,
      total: 600,
      active: 1,
      pending: 3,
      waiting: 3,
      completed: 1,
      failed: 595,
    });
    equal(seqs(await allJobs(store, 't', { status: 'pending' })), [7, 300, 599]);
    equal((await jobAt(store, 't', 7)).error, 'error 7');
    equal(await countedRows(store, 't'), result.counts);
    equal((await store.resetFailed('t', 1000, T0, [5])).reset, 0);
    equal((await store.resetFailed('t', 1000, T0, [])).reset, 0);
    equal((await store.resetFailed('t', 1000, T0, all.slice(0, 500))).reset, 497);
  });

  spec('resetFailed: with none failed changes nothing', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    await claim(store, 't', 2);
    await settle(store, 't', [completed(1)]);
    const before = await allJobs(store, 't');
    equal((await store.resetFailed('t', 10, LATER)).reset, 0);
    equal(await allJobs(store, 't'), before);
  });

  spec(
    'resetFailed: jobs that were put back are claimed before fresh ones and can fail again',
    async (world) => {
      const { store, equal } = world;
      await givenTask(store, 't', 3);
      await claim(store, 't', 2);
      await settle(store, 't', [failed(1), failed(2)]);
      await store.resetFailed('t', 10, T0);
      equal(seqs((await claim(store, 't', 9)).claimed), [1, 2, 3]);
      const { counts } = await settle(store, 't', [failed(2, 'again'), completed(1)]);
      equal(counts, { ...NO_COUNTS, total: 3, active: 1, completed: 1, failed: 1 });
      equal((await jobAt(store, 't', 2)).error, 'again');
      equal((await store.resetFailed('t', 10, T0)).reset, 1);
    },
  );

  spec('resetFailed: other tasks are left alone', async ({ store, equal }) => {
    for (const id of ['a', 'b']) {
      await givenTask(store, id, 1);
      await claim(store, id, 1);
      await settle(store, id, [failed(1)]);
    }
    await store.resetFailed('a', 10, T0);
    equal(await statuses(store, 'b'), ['failed']);
  });
}
