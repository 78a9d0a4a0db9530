// Settling and claiming by one owner: outcomes, order, due times, counts.
import {
  allJobs,
  claim,
  completed,
  countedRows,
  exchange,
  failed,
  givenTask,
  hashOf,
  hex,
  insert,
  interrupted,
  jobAt,
  keptCounts,
  LEASE,
  NO_COUNTS,
  newJob,
  newJobs,
  notRun,
  plain,
  refusedForGood,
  retry,
  seqs,
  settle,
  statuses,
  T0,
  throttled,
} from './fixtures.js';
import type { Suite } from './suite.js';

/** One owner settles and claims. */
export function exchangeCases({ spec }: Suite): void {
  spec('exchange: claims fresh jobs in order of seq, up to the limit', async ({ store, equal }) => {
    await givenTask(store, 't', 5);
    const first = await claim(store, 't', 2);
    equal(seqs(first.claimed), [1, 2]);
    equal(first.counts, { ...NO_COUNTS, total: 5, pending: 3, active: 2 });
    equal(seqs((await claim(store, 't', 9)).claimed), [3, 4, 5]);
    equal(seqs((await claim(store, 't', 9)).claimed), []);
  });

  spec('exchange: a claimed job comes with all that its run needs', async ({ store, equal }) => {
    await givenTask(store, 't');
    await insert(store, 't', [newJob(3, { key: 'order 7', input: '{"n":7}' })]);
    const { claimed } = await claim(store, 't', 1);
    equal(claimed.map(plain), [
      {
        seq: 3,
        hash: hex(hashOf('job 3')),
        key: 'order 7',
        input: '{"n":7}',
        attempts: 1,
        throttles: 0,
        crashes: 0,
        error: null,
      },
    ]);
  });

  spec('exchange: gaps in the places are passed over', async ({ store, equal }) => {
    await givenTask(store, 't');
    await insert(store, 't', [newJob(2), newJob(5), newJob(11)]);
    equal(seqs((await claim(store, 't', 2)).claimed), [2, 5]);
    equal(seqs((await claim(store, 't', 2)).claimed), [11]);
    equal((await settle(store, 't', [completed(11), completed(3)])).lost, [3]);
    equal(await statuses(store, 't'), ['active', 'active', 'completed']);
  });

  spec('exchange: a limit of 0, or no claim, claims nothing', async ({ store, equal }) => {
    await givenTask(store, 't', 2);
    equal((await claim(store, 't', 0)).claimed, []);
    const result = await exchange(store, 't');
    equal([result.claimed, result.counts], [[], { ...NO_COUNTS, total: 2, pending: 2 }]);
  });

  spec('exchange: a task without jobs gives none', async ({ store, equal }) => {
    await givenTask(store, 't');
    equal(await claim(store, 't', 5), {
      claimed: [],
      lost: [],
      counts: NO_COUNTS,
      status: 'idle',
      nextDueAt: null,
    });
  });

  spec('exchange: completed keeps the output and the times of the settlement', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    const { counts, lost } = await settle(store, 't', [completed(1, '"done"')]);
    equal([counts, lost], [{ ...NO_COUNTS, total: 1, completed: 1 }, []]);
    const row = await jobAt(store, 't', 1);
    equal([row.status, row.output, row.error], ['completed', '"done"', null]);
    equal([row.startedAt, row.endedAt, row.dueAt, row.attempts], [T0 + 10, T0 + 20, null, 1]);
  });

  spec('exchange: failed keeps the error and the times of the settlement', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    const { counts } = await settle(store, 't', [failed(1, 'why')]);
    equal(counts, { ...NO_COUNTS, total: 1, failed: 1 });
    const row = await jobAt(store, 't', 1);
    equal([row.status, row.output, row.error], ['failed', null, 'why']);
    equal([row.startedAt, row.endedAt, row.dueAt, row.attempts], [T0 + 10, T0 + 20, null, 1]);
  });

  spec('exchange: failed without having run gives the attempt back', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    await settle(store, 't', [notRun(1, 'poisoned')]);
    const row = await jobAt(store, 't', 1);
    equal([row.status, row.error, row.attempts], ['failed', 'poisoned', 0]);
  });

  spec('exchange: a refusal that was one too many counts among the throttles', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    await settle(store, 't', [throttled(1, T0)]);
    await claim(store, 't', 1);
    await settle(store, 't', [refusedForGood(1, 'refused')]);
    const row = await jobAt(store, 't', 1);
    equal([row.status, row.error, row.attempts, row.throttles], ['failed', 'refused', 2, 2]);
  });

  spec('exchange: retry puts the job back, due at its time, the attempt spent', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    const { counts } = await settle(store, 't', [retry(1, T0 + 500, 'why')]);
    equal(counts, { ...NO_COUNTS, total: 1, pending: 1, waiting: 1 });
    const row = await jobAt(store, 't', 1);
    equal([row.status, row.error, row.attempts, row.throttles], ['pending', 'why', 1, 0]);
    equal([row.startedAt, row.endedAt, row.dueAt], [null, null, T0 + 500]);
  });

  spec('exchange: throttled is as retry, and counted', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    await settle(store, 't', [throttled(1, T0 + 500, 'why')]);
    const row = await jobAt(store, 't', 1);
    equal([row.status, row.error, row.attempts, row.throttles], ['pending', 'why', 1, 1]);
    equal(row.dueAt, T0 + 500);
  });

  spec('exchange: interrupted puts the job back and gives the attempt back', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    const { counts } = await settle(store, 't', [interrupted(1, T0 + 500)]);
    equal(counts, { ...NO_COUNTS, total: 1, pending: 1, waiting: 1 });
    const row = await jobAt(store, 't', 1);
    equal([row.status, row.error, row.attempts, row.dueAt], ['pending', null, 0, T0 + 500]);
  });

  spec('exchange: interrupted keeps the error of the attempt before', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    await claim(store, 't', 1, { settle: [retry(1, T0, 'before')] });
    await settle(store, 't', [interrupted(1, T0)]);
    const row = await jobAt(store, 't', 1);
    equal([row.error, row.attempts], ['before', 1]);
  });

  spec('exchange: every claim charges an attempt and shows the last error', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    const seen: unknown[] = [];
    let settlements = [] as Parameters<typeof settle>[2];
    for (const next of [
      retry(1, T0, 'one'),
      throttled(1, T0, 'two'),
      interrupted(1, T0),
      retry(1, T0, 'x'),
    ]) {
      const { claimed } = await claim(store, 't', 1, { settle: settlements });
      for (const job of claimed) seen.push([job.attempts, job.throttles, job.error]);
      settlements = [next];
    }
    equal(seen, [
      [1, 0, null],
      [2, 0, 'one'],
      [3, 1, 'two'],
      [3, 1, 'two'],
    ]);
  });

  spec(
    'exchange: a job that completes after errors keeps its numbers and no error',
    async ({ store, equal }) => {
      await givenTask(store, 't', 1);
      await claim(store, 't', 1);
      await claim(store, 't', 1, { settle: [throttled(1, T0, 'busy')] });
      await claim(store, 't', 1, { settle: [retry(1, T0, 'broken')] });
      await settle(store, 't', [completed(1)]);
      const row = await jobAt(store, 't', 1);
      equal([row.attempts, row.throttles, row.error, row.status], [3, 1, null, 'completed']);
    },
  );

  spec(
    'exchange: a job that is put back due now is claimed in the same exchange',
    async ({ store, equal }) => {
      await givenTask(store, 't', 2);
      await claim(store, 't', 1);
      const { claimed } = await claim(store, 't', 1, { settle: [retry(1, T0)] });
      equal(seqs(claimed), [1]);
    },
  );

  spec('exchange: settles and claims in one call', async ({ store, equal }) => {
    await givenTask(store, 't', 4);
    await claim(store, 't', 2);
    const result = await claim(store, 't', 2, { settle: [completed(2), failed(1)] });
    equal(seqs(result.claimed), [3, 4]);
    equal(result.counts, { ...NO_COUNTS, total: 4, active: 2, completed: 1, failed: 1 });
    equal(await statuses(store, 't'), ['failed', 'completed', 'active', 'active']);
  });

  spec('exchange: due jobs come first in order of dueAt, then fresh ones', async ({ store, equal }) => {
    await givenTask(store, 't', 6);
    await claim(store, 't', 4);
    await settle(store, 't', [
      retry(1, T0 + 40),
      retry(2, T0 + 10),
      throttled(3, T0 + 30),
      interrupted(4, T0 + 20),
    ]);
    equal(seqs((await claim(store, 't', 9, { now: T0 + 100 })).claimed), [2, 4, 3, 1, 5, 6]);
  });

  spec(
    'exchange: of jobs due at the same time the one of lower seq comes first',
    async ({ store, equal }) => {
      await givenTask(store, 't', 5);
      await claim(store, 't', 5);
      await settle(store, 't', [retry(4, T0), retry(1, T0), retry(5, T0), retry(2, T0), retry(3, T0)]);
      equal(seqs((await claim(store, 't', 9)).claimed), [1, 2, 3, 4, 5]);
    },
  );

  spec('exchange: the limit holds over due and fresh jobs together', async ({ store, equal }) => {
    await givenTask(store, 't', 5);
    await claim(store, 't', 3);
    await settle(store, 't', [retry(1, T0 + 3), retry(2, T0 + 2), retry(3, T0 + 1)]);
    equal(seqs((await claim(store, 't', 2, { now: T0 + 9 })).claimed), [3, 2]);
    equal(seqs((await claim(store, 't', 2, { now: T0 + 9 })).claimed), [1, 4]);
  });

  spec('exchange: a job that is not due is not claimed, one due now is', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    await settle(store, 't', [retry(1, T0 + 500)]);
    equal(seqs((await claim(store, 't', 1, { now: T0 + 499 })).claimed), []);
    equal(seqs((await claim(store, 't', 1, { now: T0 + 500 })).claimed), [1]);
  });

  spec('exchange: jobs that wait for longer than can be are due: the clock was set back', async (t) => {
    const { store, equal } = t;
    await givenTask(store, 't', 4);
    await claim(store, 't', 3);
    await claim(store, 't', 1, { owner: 'bob' });
    await settle(store, 't', [retry(1, T0 + 9000), retry(2, T0 + 8000), retry(3, T0 + 2000)]);
    const come = (now: number, limit = 2, longestWait?: number) =>
      claim(store, 't', 0, { now, claim: { limit, leaseUntil: now + LEASE, longestWait } });
    // One that can be waited for comes first, and is waited for.
    equal(seqs((await come(T0, 2, 5000)).claimed), []);
    equal((await come(T0, 2, 5000)).nextDueAt, T0 + 2000);
    equal(seqs((await come(T0 + 2000, 1, 5000)).claimed), [3]);
    equal((await come(T0 + 2000)).nextDueAt, T0 + 8000);
    // As far as can be, no farther.
    equal(seqs((await come(T0 + 2000, 2, 6000)).claimed), []);
    const back = await come(T0 + 2000, 1, 5999);
    equal([seqs(back.claimed), back.claimed[0]?.attempts, back.nextDueAt], [[2], 2, T0 + 2000]);
    equal((await jobAt(store, 't', 2)).startedAt, T0 + 2000);
    equal(seqs((await come(T0 + 2000, 2, 5999)).claimed), [1]);
    equal(await statuses(store, 't'), ['active', 'active', 'active', 'active']);
  });

  spec('exchange: fresh jobs do not wait for those that are not due', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    await claim(store, 't', 1);
    await settle(store, 't', [retry(1, T0 + 500)]);
    equal(seqs((await claim(store, 't', 9)).claimed), [2, 3]);
  });

  spec('exchange: many waiting jobs come back in the order of their due times', async ({ store, equal }) => {
    await givenTask(store, 't', 200);
    await claim(store, 't', 200);
    const due = (seq: number): number => T0 + ((seq * 7919) % 211);
    await settle(
      store,
      't',
      newJobs(1, 200).map((job) => retry(job.seq, due(job.seq))),
    );
    const order: number[] = [];
    for (let now = T0; now <= T0 + 220; now += 20)
      order.push(...seqs((await claim(store, 't', 50, { now })).claimed));
    const expected = seqs(newJobs(1, 200)).sort((a, b) => due(a) - due(b) || a - b);
    equal(order, expected);
  });

  spec('nextDueAt: null when nothing waits', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    equal((await claim(store, 't', 2)).nextDueAt, null);
  });

  spec('nextDueAt: when the first waiting job falls due', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    await claim(store, 't', 3);
    const { nextDueAt } = await settle(store, 't', [
      retry(1, T0 + 500),
      retry(2, T0 + 300),
      retry(3, T0 + 400),
    ]);
    equal(nextDueAt, T0 + 300);
  });

  spec('nextDueAt: leaves out what the same exchange claimed', async ({ store, equal }) => {
    await givenTask(store, 't', 2);
    await claim(store, 't', 2);
    await settle(store, 't', [retry(1, T0 + 300), retry(2, T0 + 400)]);
    equal((await claim(store, 't', 1, { now: T0 + 300 })).nextDueAt, T0 + 400);
    equal((await claim(store, 't', 1, { now: T0 + 400 })).nextDueAt, null);
  });

  spec(
    'nextDueAt: is in the past when the limit kept due jobs from being claimed',
    async ({ store, equal }) => {
      await givenTask(store, 't', 2);
      await claim(store, 't', 2);
      await settle(store, 't', [retry(1, T0 + 1), retry(2, T0 + 2)]);
      equal((await claim(store, 't', 1, { now: T0 + 50 })).nextDueAt, T0 + 2);
    },
  );

  spec('exchange: a job settled twice is lost the second time', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    equal((await settle(store, 't', [completed(1, '"first"')])).lost, []);
    const again = await settle(store, 't', [failed(1)]);
    equal([again.lost, again.counts], [[1], { ...NO_COUNTS, total: 1, completed: 1 }]);
    equal((await jobAt(store, 't', 1)).output, '"first"');
  });

  spec('exchange: a job settled twice in one batch is lost the second time', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    const { lost, counts } = await settle(store, 't', [completed(1, '"first"'), completed(1, '"second"')]);
    equal([lost, counts.completed], [[1], 1]);
    equal((await jobAt(store, 't', 1)).output, '"first"');
  });

  spec('exchange: a job that was put back is lost until it is claimed again', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    await settle(store, 't', [retry(1, T0 + 500)]);
    equal((await settle(store, 't', [completed(1)])).lost, [1]);
    equal(await statuses(store, 't'), ['pending']);
  });

  spec('exchange: a fresh job, and a place without a job, are lost', async ({ store, equal }) => {
    await givenTask(store, 't', 2);
    await claim(store, 't', 1);
    const { lost } = await settle(store, 't', [completed(2), completed(1), completed(99)]);
    equal(lost, [2, 99]);
    equal(await statuses(store, 't'), ['completed', 'pending']);
  });

  spec('exchange: the same place in another task is another job', async ({ store, equal }) => {
    for (const id of ['a', 'b']) {
      await givenTask(store, id, 2);
      await claim(store, id, 2);
    }
    await settle(store, 'a', [completed(1, '"a"'), retry(2, T0)]);
    await settle(store, 'b', [failed(1, 'b')]);
    equal(await statuses(store, 'a'), ['completed', 'pending']);
    equal(await statuses(store, 'b'), ['failed', 'active']);
    equal(seqs((await claim(store, 'b', 5)).claimed), []);
  });

  spec('exchange: gives the status as it is stored', async ({ store, other, equal }) => {
    await givenTask(store, 't', 1);
    const second = await other();
    for (const status of ['running', 'paused', 'completed', 'failed', 'idle'] as const) {
      await second.transitionTask('t', ['idle', 'running', 'paused', 'completed', 'failed'], { status }, T0);
      equal((await exchange(store, 't')).status, status);
    }
  });

  spec('exchange: whoever asks for jobs of a paused task gets them', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await store.transitionTask('t', ['idle'], { status: 'paused' }, T0);
    const { claimed, status } = await claim(store, 't', 1);
    equal([seqs(claimed), status], [[1], 'paused']);
  });

  spec(
    'exchange: of a task that is gone nothing is done, and all is lost',
    async ({ store, other, equal }) => {
      await givenTask(store, 't', 2);
      await claim(store, 't', 2);
      await (await other()).deleteTask('t');
      equal(await claim(store, 't', 5, { settle: [completed(2), retry(1, T0)] }), {
        claimed: [],
        lost: [2, 1],
        counts: NO_COUNTS,
        status: null,
        nextDueAt: null,
      });
    },
  );

  spec('exchange: a batch that cannot be read to its end writes nothing', async ({ store, equal, fails }) => {
    await givenTask(store, 't', 4);
    await claim(store, 't', 2);
    const broken = {
      ...completed(2),
      get output(): string {
        throw new Error('no output');
      },
    };
    await fails(claim(store, 't', 1, { settle: [completed(1), broken] }));
    equal(await statuses(store, 't'), ['active', 'active', 'pending', 'pending']);
    equal(await keptCounts(store, 't'), await countedRows(store, 't'));
    equal((await settle(store, 't', [completed(1), completed(2)])).lost, []);
  });

  spec('exchange: after each step the counts are those of the rows', async ({ store, equal }) => {
    await givenTask(store, 't', 8);
    const steps = [
      await claim(store, 't', 5),
      await settle(store, 't', [completed(1), failed(2), retry(3, T0 + 9), throttled(4, T0 + 5)]),
      await claim(store, 't', 2, { settle: [interrupted(5, T0)] }),
      await claim(store, 't', 9, { settle: [notRun(5)], now: T0 + 50 }),
    ];
    equal(steps[0]?.counts, { ...NO_COUNTS, total: 8, pending: 3, active: 5 });
    equal(steps[1]?.counts, {
      ...NO_COUNTS,
      total: 8,
      pending: 5,
      waiting: 2,
      active: 1,
      completed: 1,
      failed: 1,
    });
    equal(steps[2]?.counts, {
      ...NO_COUNTS,
      total: 8,
      pending: 4,
      waiting: 2,
      active: 2,
      completed: 1,
      failed: 1,
    });
    equal(steps[3]?.counts, { ...NO_COUNTS, total: 8, active: 5, completed: 1, failed: 2 });
    equal(await countedRows(store, 't'), steps[3]?.counts);
    equal(await keptCounts(store, 't'), steps[3]?.counts);
  });

  spec('exchange: counts of an earlier answer stay as they were', async ({ store, equal }) => {
    await givenTask(store, 't', 2);
    const { counts } = await claim(store, 't', 1);
    await settle(store, 't', [completed(1)]);
    equal(counts, { ...NO_COUNTS, total: 2, pending: 1, active: 1 });
  });

  spec('exchange: 600 jobs settled and 600 claimed in one call', async ({ store, equal }) => {
    await givenTask(store, 't', 1_300);
    const first = await claim(store, 't', 600);
    const settlements = first.claimed.map((job, at) =>
      at % 3 === 0 ? completed(job.seq) : at % 3 === 1 ? failed(job.seq) : retry(job.seq, T0 + LEASE),
    );
    const second = await claim(store, 't', 600, { settle: settlements });
    equal([second.claimed.length, second.lost, seqs(second.claimed.slice(0, 1))], [600, [], [601]]);
    equal(second.counts, {
      total: 1_300,
      pending: 300,
      waiting: 200,
      active: 600,
      completed: 200,
      failed: 200,
    });
    equal(await countedRows(store, 't'), second.counts);
    equal((await allJobs(store, 't', { status: 'failed' })).length, 200);
  });
}
