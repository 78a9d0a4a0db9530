// Jobs come in: places, duplicates, the end of the source.
import {
  allJobs,
  claim,
  completed,
  countedRows,
  failed,
  givenTask,
  hashOf,
  insert,
  keptCounts,
  NO_COUNTS,
  namedJob,
  newJob,
  newJobs,
  newTask,
  provisionalTask,
  seqs,
  settle,
  statuses,
} from './fixtures.js';
import type { Suite } from './suite.js';

/** Jobs are inserted. */
export function ingestCases({ spec }: Suite): void {
  spec('insertJobs: adds fresh jobs and gives the counts', async ({ store, equal }) => {
    await givenTask(store, 't');
    const result = await insert(store, 't', newJobs(1, 3));
    const counts = { ...NO_COUNTS, total: 3, pending: 3 };
    equal(result, { inserted: 3, duplicates: [], reused: 0, counts });
    const task = await store.readTask('t');
    equal([task?.lastSeq, task?.counts], [3, counts]);
    equal(await statuses(store, 't'), ['pending', 'pending', 'pending']);
  });

  spec('insertJobs: into a task that is still ingesting', async ({ store, equal }) => {
    await store.insertTask(provisionalTask('p'));
    equal((await insert(store, 'p', newJobs(1, 3))).counts.total, 3);
    equal((await insert(store, 'p', newJobs(4, 5))).counts.total, 5);
  });

  spec('insertJobs: a place after the last one is kept, gaps too', async ({ store, equal }) => {
    await givenTask(store, 't');
    await insert(store, 't', [newJob(2), newJob(5)]);
    await insert(store, 't', [newJob(9)]);
    equal(seqs(await allJobs(store, 't')), [2, 5, 9]);
    const task = await store.readTask('t');
    equal([task?.lastSeq, task?.counts.total], [9, 3]);
  });

  spec('insertJobs: a place that is taken or passed becomes the next free one', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    await insert(store, 't', [
      namedJob(3, 'taken'),
      namedJob(1, 'passed'),
      namedJob(8, 'kept'),
      namedJob(6, 'x'),
    ]);
    const rows = await allJobs(store, 't');
    equal(seqs(rows), [1, 2, 3, 4, 5, 8, 9]);
    equal(
      rows.slice(3).map((row) => row.input),
      ['"taken"', '"passed"', '"kept"', '"x"'],
    );
    equal((await store.readTask('t'))?.lastSeq, 9);
  });

  spec('insertJobs: a place may pass 2^31', async ({ store, equal }) => {
    await givenTask(store, 't');
    await insert(store, 't', [newJob(1), newJob(3_000_000_000)]);
    equal(seqs((await claim(store, 't', 5)).claimed), [1, 3_000_000_000]);
    await settle(store, 't', [completed(3_000_000_000)]);
    equal(await statuses(store, 't'), ['active', 'completed']);
  });

  spec(
    'insertJobs: jobs of two handles with the same places all get one',
    async ({ store, other, equal }) => {
      await givenTask(store, 't');
      const second = await other();
      await Promise.all([
        insert(store, 't', [namedJob(1, 'a'), namedJob(2, 'b'), namedJob(3, 'c')]),
        insert(second, 't', [namedJob(1, 'd'), namedJob(2, 'e'), namedJob(3, 'f')]),
      ]);
      const rows = await allJobs(second, 't');
      equal(seqs(rows), [1, 2, 3, 4, 5, 6]);
      equal(rows.map((row) => row.input).sort(), ['"a"', '"b"', '"c"', '"d"', '"e"', '"f"']);
    },
  );

  spec('insertJobs: a duplicate within the batch is reported and not written', async ({ store, equal }) => {
    await givenTask(store, 't');
    const jobs = [namedJob(1, 'a'), namedJob(2, 'b'), namedJob(3, 'a'), namedJob(4, 'a'), namedJob(5, 'c')];
    const result = await insert(store, 't', jobs);
    equal([result.inserted, result.counts.total], [3, 3]);
    equal(result.duplicates, [
      { at: 2, seq: 1, sameInput: true },
      { at: 3, seq: 1, sameInput: true },
    ]);
    equal(seqs(await allJobs(store, 't')), [1, 2, 5]);
  });

  spec('insertJobs: a duplicate of an earlier batch is reported with the place it has', async (world) => {
    const { store, equal } = world;
    await givenTask(store, 't');
    await insert(store, 't', [namedJob(4, 'a'), namedJob(7, 'b')]);
    const result = await insert(store, 't', [namedJob(8, 'c'), namedJob(9, 'b'), namedJob(10, 'a')]);
    equal(result.inserted, 1);
    equal(result.duplicates, [
      { at: 1, seq: 7, sameInput: true },
      { at: 2, seq: 4, sameInput: true },
    ]);
  });

  spec('insertJobs: a duplicate of what another handle inserted is reported', async (world) => {
    const { store, other, equal } = world;
    await givenTask(store, 't', 2);
    const second = await other();
    await insert(second, 't', [namedJob(3, 'a')]);
    const here = await insert(store, 't', [namedJob(4, 'b'), namedJob(5, 'a')]);
    equal([here.inserted, here.duplicates], [1, [{ at: 1, seq: 3, sameInput: true }]]);
    const there = await insert(second, 't', [namedJob(6, 'b'), newJob(7, { hash: hashOf('job 2') })]);
    equal([there.inserted, there.duplicates.map((duplicate) => duplicate.seq)], [0, [4, 2]]);
  });

  spec('insertJobs: two handles that insert the same jobs at once keep each once', async (world) => {
    const { store, other, equal } = world;
    await givenTask(store, 't');
    const second = await other();
    const inserted = await Promise.all(
      [0, 1, 2, 3, 4].flatMap((batch) => {
        const jobs = newJobs(batch * 20 + 1, batch * 20 + 20);
        return [insert(store, 't', jobs), insert(second, 't', jobs)];
      }),
    );
    equal(
      inserted.reduce((sum, result) => sum + result.inserted, 0),
      100,
    );
    equal(new Set((await allJobs(store, 't')).map((row) => row.hash)).size, 100);
  });

  spec('insertJobs: an equal hash with another input is told apart', async ({ store, equal }) => {
    await givenTask(store, 't');
    const hash = hashOf('the id');
    const first = newJob(1, { hash, key: 'the id', input: '{"v":1}' });
    const second = newJob(2, { hash, key: 'the id', input: '{"v":2}' });
    equal((await insert(store, 't', [first, second])).duplicates, [{ at: 1, seq: 1, sameInput: false }]);
    equal((await insert(store, 't', [second])).duplicates, [{ at: 0, seq: 1, sameInput: false }]);
    equal(
      (await allJobs(store, 't')).map((row) => row.input),
      ['{"v":1}'],
    );
  });

  spec('insertJobs: a batch of duplicates writes nothing', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    const before = await store.readTask('t');
    const result = await insert(
      store,
      't',
      newJobs(1, 3).map((job) => ({ ...job, seq: job.seq + 3 })),
    );
    equal([result.inserted, result.duplicates.length, result.counts.total], [0, 3, 3]);
    equal(await store.readTask('t'), before);
  });

  spec(
    'insertJobs: the number of duplicates of the task is the engine’s to write',
    async ({ store, equal }) => {
      await givenTask(store, 't', 3);
      await insert(store, 't', newJobs(1, 3));
      equal((await store.readTask('t'))?.duplicates, 0);
    },
  );

  spec('insertJobs: a job in any state is known', async ({ store, equal }) => {
    await givenTask(store, 't', 4);
    await claim(store, 't', 3);
    await settle(store, 't', [completed(1), failed(2)]);
    const result = await insert(
      store,
      't',
      newJobs(1, 4).map((job) => ({ ...job, seq: job.seq + 4 })),
    );
    equal(
      result.duplicates.map((duplicate) => duplicate.seq),
      [1, 2, 3, 4],
    );
  });

  spec('insertJobs: hashes that differ in one byte only are different jobs', async ({ store, equal }) => {
    await givenTask(store, 't');
    const alike = newJob(1, { hash: new Uint8Array(32).fill(7) });
    const others = [0, 7, 8, 15, 16, 31].map((byte, at) => {
      const hash = alike.hash.slice();
      hash[byte] = 200;
      return newJob(at + 2, { hash });
    });
    const jobs = [alike, ...others];
    equal((await insert(store, 't', jobs)).inserted, 7);
    equal(
      (await insert(store, 't', jobs)).duplicates.map((duplicate) => duplicate.seq),
      [1, 2, 3, 4, 5, 6, 7],
    );
  });

  spec('insertJobs: two tasks may hold the same jobs', async ({ store, equal }) => {
    await givenTask(store, 'a', 3);
    await givenTask(store, 'b');
    equal((await insert(store, 'b', newJobs(1, 3))).inserted, 3);
  });

  spec('insertJobs: a key is kept beside the hash', async ({ store, equal }) => {
    await givenTask(store, 't');
    await insert(store, 't', [newJob(1, { key: 'order 7' }), newJob(2), newJob(3, { key: '' })]);
    equal(
      (await allJobs(store, 't')).map((row) => row.key),
      ['order 7', null, ''],
    );
    equal(
      (await claim(store, 't', 3)).claimed.map((job) => job.key),
      ['order 7', null, ''],
    );
  });

  spec('insertJobs: the store keeps its own copy of the hash', async ({ store, equal }) => {
    await givenTask(store, 't');
    const job = newJob(1);
    await insert(store, 't', [job]);
    job.hash.fill(0);
    equal((await insert(store, 't', [newJob(2, { hash: hashOf('job 1') })])).inserted, 0);
  });

  spec('insertJobs: the last batch marks the source as read', async ({ store, equal }) => {
    await givenTask(store, 't');
    await insert(store, 't', newJobs(1, 2));
    equal((await store.readTask('t'))?.ingested, false);
    await insert(store, 't', newJobs(3, 4), true);
    equal((await store.readTask('t'))?.ingested, true);
  });

  spec('insertJobs: an empty last batch marks the source as read', async ({ store, equal }) => {
    await givenTask(store, 't', 2);
    const result = await insert(store, 't', [], true);
    equal([result.inserted, result.counts.total], [0, 2]);
    equal((await store.readTask('t'))?.ingested, true);
  });

  spec('insertJobs: a later batch that is not the last leaves the mark', async ({ store, equal }) => {
    await givenTask(store, 't');
    await insert(store, 't', [], true);
    await insert(store, 't', newJobs(1, 1));
    equal((await store.readTask('t'))?.ingested, true);
  });

  spec('insertJobs: a task that is gone is TASK_DELETED', async ({ store, rejects }) => {
    await givenTask(store, 't', 1);
    await store.deleteTask('t');
    await rejects('TASK_DELETED', insert(store, 't', newJobs(1, 2)));
    await rejects('TASK_DELETED', insert(store, 'never', [], true));
  });

  spec('insertJobs: a task deleted by another handle is TASK_DELETED', async ({ store, other, rejects }) => {
    await givenTask(store, 't', 1);
    await (await other()).deleteTask('t');
    await rejects('TASK_DELETED', insert(store, 't', newJobs(2, 3)));
  });

  spec('insertJobs: a task deleted and created by another handle takes all jobs again', async (world) => {
    const { store, other, equal } = world;
    await givenTask(store, 't', 3);
    const second = await other();
    await second.deleteTask('t');
    await second.insertTask(newTask('t'));
    equal((await insert(store, 't', newJobs(1, 3))).inserted, 3);
    equal((await insert(second, 't', newJobs(1, 3))).duplicates.length, 3);
  });

  spec('insertJobs: jobs that come in while others run are claimed after them', async ({ store, equal }) => {
    await givenTask(store, 't', 2);
    equal(seqs((await claim(store, 't', 5)).claimed), [1, 2]);
    equal(seqs((await claim(store, 't', 5)).claimed), []);
    await insert(store, 't', newJobs(3, 4));
    equal(seqs((await claim(store, 't', 5)).claimed), [3, 4]);
  });

  spec(
    'insertJobs: a batch that cannot be read to its end writes nothing',
    async ({ store, equal, fails }) => {
      await givenTask(store, 't', 2);
      const broken = {
        ...newJob(4),
        get input(): string {
          throw new Error('no input');
        },
      };
      await fails(insert(store, 't', [newJob(3), broken, newJob(5)], true));
      equal((await store.readTask('t'))?.ingested, false);
      equal(seqs(await allJobs(store, 't')), [1, 2]);
      equal(await keptCounts(store, 't'), await countedRows(store, 't'));
      equal((await insert(store, 't', newJobs(3, 5))).duplicates, []);
    },
  );

  spec('insertJobs: 2,500 jobs in one batch', async ({ store, equal }) => {
    await givenTask(store, 't');
    equal((await insert(store, 't', newJobs(1, 2_500))).inserted, 2_500);
    equal((await insert(store, 't', newJobs(1, 2_500))).duplicates.length, 2_500);
    equal(await keptCounts(store, 't'), await countedRows(store, 't'));
  });
}
