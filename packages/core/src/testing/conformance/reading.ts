// Reading jobs: order, pages, and what each status shows.
import type { JobRecord } from '../../storage/contract.js';
import type { JobStatus } from '../../types.js';
import {
  allJobs,
  claim,
  completed,
  failed,
  givenTask,
  hashOf,
  hex,
  insert,
  jobAt,
  LEASE,
  newJob,
  type Plain,
  retry,
  seqs,
  settle,
  statuses,
  T0,
} from './fixtures.js';
import type { Suite } from './suite.js';

/** The row of a fresh job of the fixtures. */
const freshRow = (seq: number): Plain<JobRecord> => ({
  seq,
  hash: hex(hashOf(`job ${seq}`)),
  key: null,
  input: `{"n":${seq}}`,
  status: 'pending',
  attempts: 0,
  throttles: 0,
  startedAt: null,
  endedAt: null,
  dueAt: null,
  output: null,
  error: null,
});

/** Jobs are read. */
export function readingCases({ spec }: Suite): void {
  spec('readJobs: a fresh job shows its input and nothing else', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    equal(await jobAt(store, 't', 1), freshRow(1));
  });

  spec('readJobs: an active job shows when it was claimed', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1, { now: T0 + 3 });
    equal(await jobAt(store, 't', 1), { ...freshRow(1), status: 'active', attempts: 1, startedAt: T0 + 3 });
  });

  spec('readJobs: an active job that was tried before shows that claim and the last error', async (world) => {
    const { store, equal } = world;
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    await claim(store, 't', 1, { now: T0 + 600, settle: [retry(1, T0 + 500, 'why')] });
    const expected = { status: 'active', attempts: 2, startedAt: T0 + 600, error: 'why' };
    equal(await jobAt(store, 't', 1), { ...freshRow(1), ...expected });
  });

  spec('readJobs: a waiting job shows when it falls due and its last error', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    await claim(store, 't', 1);
    await settle(store, 't', [retry(1, T0 + 500, 'why')]);
    equal(await jobAt(store, 't', 1), { ...freshRow(1), attempts: 1, dueAt: T0 + 500, error: 'why' });
  });

  spec(
    'readJobs: a completed job shows its output and the times of its last attempt',
    async ({ store, equal }) => {
      await givenTask(store, 't', 1);
      await claim(store, 't', 1);
      await settle(store, 't', [completed(1, '"out"')]);
      const times = { startedAt: T0 + 10, endedAt: T0 + 20 };
      equal(await jobAt(store, 't', 1), {
        ...freshRow(1),
        ...times,
        status: 'completed',
        attempts: 1,
        output: '"out"',
      });
    },
  );

  spec(
    'readJobs: a failed job shows its error and the times of its last attempt',
    async ({ store, equal }) => {
      await givenTask(store, 't', 1);
      await claim(store, 't', 1);
      await settle(store, 't', [failed(1, 'why')]);
      const times = { startedAt: T0 + 10, endedAt: T0 + 20 };
      equal(await jobAt(store, 't', 1), {
        ...freshRow(1),
        ...times,
        status: 'failed',
        attempts: 1,
        error: 'why',
      });
    },
  );

  spec('readJobs: in order of seq, whatever the order of settling', async ({ store, equal }) => {
    await givenTask(store, 't', 5);
    await claim(store, 't', 5);
    for (const seq of [4, 2, 5, 1, 3]) await settle(store, 't', [completed(seq)]);
    equal(seqs(await allJobs(store, 't')), [1, 2, 3, 4, 5]);
    equal(seqs(await allJobs(store, 't', { status: 'completed' })), [1, 2, 3, 4, 5]);
  });

  for (const [status, expected] of [
    ['pending', [2, 5, 7, 8]],
    ['active', [1, 6]],
    ['completed', [3]],
    ['failed', [4]],
  ] satisfies [JobStatus, number[]][]) {
    spec(`readJobs: those that are ${status}, in order of seq`, async ({ store, equal }) => {
      await givenTask(store, 't', 8);
      await claim(store, 't', 6);
      await settle(store, 't', [retry(5, T0 + 1), completed(3), failed(4), retry(2, T0 + 9)]);
      equal(seqs(await allJobs(store, 't', { status })), expected);
      equal(seqs(await allJobs(store, 't', { status, limit: 1 })), expected);
      equal(seqs(await allJobs(store, 't', { status, limit: 2 })), expected);
    });
  }

  spec('readJobs: a page holds up to the limit and tells where the next one starts', async (world) => {
    const { store, equal } = world;
    await givenTask(store, 't', 5);
    const first = await store.readJobs('t', { limit: 2 });
    equal([seqs(first.rows), first.next], [[1, 2], 2]);
    const second = await store.readJobs('t', { limit: 2, after: 2 });
    equal([seqs(second.rows), second.next], [[3, 4], 4]);
    const third = await store.readJobs('t', { limit: 2, after: 4 });
    equal([seqs(third.rows), third.next], [[5], null]);
  });

  spec('readJobs: a full page at the end is the last one', async ({ store, equal }) => {
    await givenTask(store, 't', 4);
    equal((await store.readJobs('t', { limit: 4 })).next, null);
    await claim(store, 't', 2);
    equal((await store.readJobs('t', { status: 'active', limit: 2 })).next, null);
    equal((await store.readJobs('t', { status: 'pending', limit: 2 })).next, null);
  });

  spec('readJobs: after a place in a gap, and after the last', async ({ store, equal }) => {
    await givenTask(store, 't');
    await insert(store, 't', [newJob(2), newJob(5), newJob(9)]);
    equal(seqs(await allJobs(store, 't', { after: 3 })), [5, 9]);
    equal(seqs(await allJobs(store, 't', { after: 5 })), [9]);
    equal(await store.readJobs('t', { after: 9, limit: 5 }), { rows: [], next: null });
    equal(seqs(await allJobs(store, 't', { after: 0 })), [2, 5, 9]);
  });

  spec('readJobs: a task without jobs gives an empty page', async ({ store, equal }) => {
    await givenTask(store, 't');
    equal(await store.readJobs('t', { limit: 5 }), { rows: [], next: null });
  });

  spec('readJobs: other tasks are not read', async ({ store, equal }) => {
    for (const id of ['a', 'b', 'c']) await givenTask(store, id, 2);
    equal((await allJobs(store, 'b')).length, 2);
  });

  spec('readJobs: pages show each job once while jobs move', async ({ store, equal }) => {
    await givenTask(store, 't', 12);
    const seen: number[] = [];
    let after: number | null = 0;
    while (after !== null) {
      const page: Awaited<ReturnType<typeof store.readJobs>> = await store.readJobs('t', { after, limit: 3 });
      seen.push(...seqs(page.rows));
      after = page.next;
      const { claimed } = await claim(store, 't', 3, { now: T0 + seen.length });
      await settle(
        store,
        't',
        claimed.map((job) => (job.seq % 2 ? completed(job.seq) : retry(job.seq, T0 + LEASE))),
      );
    }
    equal(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  spec('readJobs: pages of one status miss none that stays in it', async ({ store, equal }) => {
    await givenTask(store, 't', 10);
    const first = await store.readJobs('t', { status: 'pending', limit: 4 });
    await claim(store, 't', 6);
    const second = await store.readJobs('t', { status: 'pending', limit: 4, after: first.next ?? 0 });
    equal([seqs(first.rows), seqs(second.rows), second.next], [[1, 2, 3, 4], [7, 8, 9, 10], null]);
  });

  spec('readJobs: rows are copies', async ({ store, equal }) => {
    await givenTask(store, 't', 2);
    const before = await allJobs(store, 't');
    const { rows } = await store.readJobs('t', { limit: 10 });
    for (const row of rows) {
      row.input = 'changed';
      row.status = 'failed';
      row.hash.fill(0);
    }
    equal(await allJobs(store, 't'), before);
  });

  spec('exchange: claimed jobs are copies', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    const { claimed } = await claim(store, 't', 1);
    const before = await allJobs(store, 't');
    for (const job of claimed) {
      job.input = 'changed';
      job.attempts = 99;
      job.hash.fill(0);
    }
    equal(await allJobs(store, 't'), before);
  });

  spec('readTask: the record is a copy', async ({ store, equal }) => {
    await givenTask(store, 't', 1);
    const before = await store.readTask('t');
    const task = await store.readTask('t');
    if (task !== null) {
      task.status = 'failed';
      task.counts.total = 99;
    }
    equal(await store.readTask('t'), before);
  });

  spec('readTask: a record of before stays as it was', async ({ store, equal }) => {
    const task = await givenTask(store, 't', 0);
    await insert(store, 't', [newJob(1)]);
    await store.transitionTask('t', ['idle'], { status: 'running' }, T0 + 1);
    equal([task.status, task.counts.total, task.lastSeq], ['idle', 0, 0]);
    equal(await statuses(store, 't'), ['pending']);
  });
}
