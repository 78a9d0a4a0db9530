// Several owners: whose a job is, and what becomes of the jobs of one that died.
import {
  allJobs,
  claim,
  completed,
  countedRows,
  exchange,
  failed,
  givenTask,
  jobAt,
  keptCounts,
  LEASE,
  NO_COUNTS,
  retry,
  seqs,
  settle,
  statuses,
  T0,
  throttled,
} from './fixtures.js';
import type { Suite } from './suite.js';

/** When a lease of {@link claim} at T0 has passed. */
const PASSED = T0 + LEASE;

/** Several owners share a task, and some of them die. */
export function takeoverCases({ spec }: Suite): void {
  spec('exchange: a job held by another owner is not claimed', async ({ store, other, equal }) => {
    await givenTask(store, 't', 3);
    await claim(store, 't', 2, { owner: 'ann' });
    equal(seqs((await claim(await other(), 't', 9, { owner: 'bob' })).claimed), [3]);
  });

  spec('exchange: a job held by another owner is reported lost and left alone', async (world) => {
    const { store, other, equal } = world;
    await givenTask(store, 't', 2);
    await claim(store, 't', 1, { owner: 'ann' });
    const second = await other();
    await claim(second, 't', 1, { owner: 'bob' });
    const result = await settle(second, 't', [completed(1), completed(2)], { owner: 'bob' });
    equal([result.lost, result.counts.completed], [[1], 1]);
    equal(await statuses(store, 't'), ['active', 'completed']);
    equal((await settle(store, 't', [failed(1)], { owner: 'ann' })).lost, []);
  });

  spec('exchange: an owner that never claimed settles nothing', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1, { owner: 'ann' });
    const { lost } = await settle(store, 't', [completed(1), retry(1, T0), throttled(1, T0)], {
      owner: 'bob',
    });
    equal(lost, [1, 1, 1]);
    equal(await statuses(store, 't'), ['active']);
  });

  spec('exchange: jobs of another owner whose lease has passed are taken over', async (world) => {
    const { store, other, equal } = world;
    await givenTask(store, 't', 3);
    await claim(store, 't', 2, { owner: 'ann' });
    const result = await claim(await other(), 't', 9, { owner: 'bob', now: PASSED });
    equal(
      result.claimed.map((job) => [job.seq, job.attempts, job.crashes]),
      [
        [1, 2, 1],
        [2, 2, 1],
        [3, 1, 0],
      ],
    );
    equal(result.counts, { ...NO_COUNTS, total: 3, active: 3 });
  });

  spec('exchange: a lease that has not passed is respected', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1, { owner: 'ann' });
    equal(seqs((await claim(store, 't', 9, { owner: 'bob', now: PASSED - 1 })).claimed), []);
    equal(seqs((await claim(store, 't', 9, { owner: 'bob', now: PASSED })).claimed), [1]);
  });

  spec('exchange: an owner does not lose its jobs by its own exchange, however late', async (world) => {
    const { store, equal } = world;
    await givenTask(store, 't', 3);
    await claim(store, 't', 2, { owner: 'ann' });
    const result = await claim(store, 't', 9, { owner: 'ann', now: PASSED + 1_000, settle: [completed(1)] });
    equal([result.lost, seqs(result.claimed)], [[], [3]]);
    const row = await jobAt(store, 't', 2);
    equal([row.status, row.attempts], ['active', 1]);
  });

  spec('exchange: an exchange without a claim takes over too', async ({ store, equal }) => {
    await givenTask(store, 't', 2);
    await claim(store, 't', 1, { owner: 'ann' });
    const result = await exchange(store, 't', { owner: 'bob', now: PASSED });
    equal(result.counts, { ...NO_COUNTS, total: 2, pending: 2, waiting: 1 });
    equal(result.nextDueAt, PASSED);
    const row = await jobAt(store, 't', 1);
    equal([row.status, row.attempts, row.dueAt, row.startedAt], ['pending', 1, PASSED, null]);
  });

  spec('exchange: a job that is taken over keeps its last error', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1, { owner: 'ann' });
    await claim(store, 't', 1, { owner: 'ann', settle: [throttled(1, T0, 'busy')] });
    const { claimed } = await claim(store, 't', 1, { owner: 'bob', now: PASSED });
    equal(
      claimed.map((job) => [job.attempts, job.throttles, job.crashes, job.error]),
      [[3, 1, 1, 'busy']],
    );
  });

  spec('exchange: jobs taken over come after those that were due before', async ({ store, equal }) => {
    await givenTask(store, 't', 4);
    await claim(store, 't', 2, { owner: 'ann' });
    await claim(store, 't', 1, { owner: 'bob' });
    await settle(store, 't', [retry(3, T0 + 5)], { owner: 'bob' });
    equal(seqs((await claim(store, 't', 9, { owner: 'bob', now: PASSED })).claimed), [3, 1, 2, 4]);
  });

  spec('exchange: only the owners whose lease has passed are taken over', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    await claim(store, 't', 1, { owner: 'ann' });
    await claim(store, 't', 1, { owner: 'bob', now: T0 + 10 });
    await claim(store, 't', 1, { owner: 'cem', now: T0 + 20 });
    equal(seqs((await claim(store, 't', 9, { owner: 'dan', now: PASSED + 10 })).claimed), [1, 2]);
    equal((await settle(store, 't', [completed(3)], { owner: 'cem' })).lost, []);
  });

  spec('exchange: an owner that comes late records nothing', async ({ store, other, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1, { owner: 'ann' });
    const second = await other();
    await claim(second, 't', 1, { owner: 'bob', now: PASSED });
    equal((await settle(store, 't', [completed(1, '"late"')], { owner: 'ann', now: PASSED })).lost, [1]);
    equal((await settle(second, 't', [completed(1, '"mine"')], { owner: 'bob', now: PASSED })).lost, []);
    equal((await jobAt(store, 't', 1)).output, '"mine"');
  });

  spec('exchange: an owner that comes late records nothing on a job that waits again', async (world) => {
    const { store, equal } = world;
    await givenTask(store, 't', 1);
    await claim(store, 't', 1, { owner: 'ann' });
    await exchange(store, 't', { owner: 'bob', now: PASSED });
    equal((await settle(store, 't', [completed(1)], { owner: 'ann', now: PASSED })).lost, [1]);
    equal(await statuses(store, 't'), ['pending']);
  });

  spec('exchange: an owner that lost its lease may claim again', async ({ store, equal }) => {
    await givenTask(store, 't', 2);
    await claim(store, 't', 1, { owner: 'ann' });
    await exchange(store, 't', { owner: 'bob', now: PASSED });
    equal(seqs((await claim(store, 't', 1, { owner: 'ann', now: PASSED })).claimed), [1]);
    equal((await settle(store, 't', [completed(1)], { owner: 'ann', now: PASSED })).lost, []);
  });

  spec('exchange: each death is counted', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    const seen: unknown[] = [];
    for (const [at, owner] of ['ann', 'bob', 'cem', 'dan'].entries()) {
      const { claimed } = await claim(store, 't', 1, { owner, now: T0 + at * LEASE });
      for (const job of claimed) seen.push([job.attempts, job.crashes]);
    }
    equal(seen, [
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 3],
    ]);
  });

  spec('exchange: an outcome other than death leaves the number of deaths', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1, { owner: 'ann' });
    await claim(store, 't', 1, { owner: 'bob', now: PASSED });
    const { claimed } = await claim(store, 't', 1, { owner: 'bob', now: PASSED, settle: [retry(1, PASSED)] });
    equal(
      claimed.map((job) => [job.attempts, job.crashes]),
      [[3, 1]],
    );
  });

  spec('nextDueAt: when the lease of another owner ends', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    await claim(store, 't', 1, { owner: 'ann' });
    await claim(store, 't', 1, { owner: 'cem', now: T0 + 10 });
    equal((await claim(store, 't', 1, { owner: 'bob', now: T0 + 20 })).nextDueAt, PASSED);
  });

  spec('nextDueAt: the earlier of a waiting job and the lease of another owner', async ({ store, equal }) => {
    await givenTask(store, 't', 2);
    await claim(store, 't', 1, { owner: 'ann' });
    await claim(store, 't', 1, { owner: 'bob' });
    equal((await settle(store, 't', [retry(2, T0 + 9)], { owner: 'bob' })).nextDueAt, T0 + 9);
    await claim(store, 't', 1, { owner: 'bob', now: T0 + 9 });
    const later = await settle(store, 't', [retry(2, PASSED + 9)], { owner: 'bob', now: T0 + 9 });
    equal(later.nextDueAt, PASSED);
  });

  spec('nextDueAt: the own lease is no reason to wake', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    equal((await claim(store, 't', 1, { owner: 'ann' })).nextDueAt, null);
  });

  spec('nextDueAt: once an owner is released, its lease is no reason to wake', async ({ store, equal }) => {
    await givenTask(store, 't', 2);
    await claim(store, 't', 1, { owner: 'ann' });
    await settle(store, 't', [completed(1)], { owner: 'ann' });
    await store.releaseJobs('t', { owner: 'ann', crashed: false }, T0);
    equal((await claim(store, 't', 1, { owner: 'bob' })).nextDueAt, null);
  });

  spec('exchange: two owners at work never hold the same job', async ({ store, other, equal }) => {
    await givenTask(store, 't', 120);
    const second = await other();
    const work = async (handle: typeof store, owner: string): Promise<number[]> => {
      const mine: number[] = [];
      let held: number[] = [];
      do {
        const result = await claim(handle, 't', 7, {
          owner,
          settle: held.map((seq) => completed(seq, owner)),
        });
        if (result.lost.length > 0) throw new Error(`${owner} lost ${result.lost.join()}`);
        held = seqs(result.claimed);
        mine.push(...held);
      } while (held.length > 0);
      return mine;
    };
    const [ann, bob] = await Promise.all([work(store, 'ann'), work(second, 'bob')]);
    equal(
      [...ann, ...bob].sort((a, b) => a - b),
      seqs(await allJobs(store, 't')),
    );
    const rows = await allJobs(second, 't');
    equal(seqs(rows.filter((row) => row.output === 'ann')), ann);
    equal(await keptCounts(store, 't'), { ...NO_COUNTS, total: 120, completed: 120 });
    equal(await countedRows(store, 't'), await keptCounts(second, 't'));
  });
}
