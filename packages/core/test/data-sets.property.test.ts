// Properties of data sets: a task is the set of its inputs, whatever their order, repeats and form.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { generateJobId } from '../src/identity.js';
import type { SourceData } from '../src/types.js';
import { bench, listSource, streamSource } from './fixtures.js';

async function* slowly(items: readonly number[]): AsyncGenerator<number> {
  for (const item of items) {
    if (item % 2 === 0) await null;
    yield item;
  }
}

const FORMS: ((items: number[]) => SourceData<number>)[] = [
  (items) => items,
  (items) => items.values(),
  (items) => slowly(items),
];
const inputs = fc.array(fc.nat(6), { maxLength: 12 });
const form = fc.constantFrom(...FORMS);

test('property: a task has one job per distinct input, at the place of its first occurrence', async () => {
  await fc.assert(
    fc.asyncProperty(inputs, form, async (data, of) => {
      const { hub, run } = bench();
      const task = await run(hub.createTask({ name: 'n', source: listSource(() => of(data)) }));
      const unique = [...new Set(data)];
      expect((await task.getResults()).map(({ input, index }) => [input, index])).toEqual(
        unique.map((input) => [input, data.indexOf(input)]),
      );
      expect([task.totalJobs, task.duplicateInputs]).toEqual([unique.length, data.length - unique.length]);
    }),
  );
});

test('property: two data sets are one task if and only if they are equal as sets', async () => {
  await fc.assert(
    fc.asyncProperty(inputs, inputs, form, form, async (a, b, ofA, ofB) => {
      const { hub, run } = bench();
      const first = await run(hub.createTask({ name: 'n', source: listSource(() => ofA(a)) }));
      const second = await run(hub.createTask({ name: 'n', source: listSource(() => ofB(b)) }));
      const isEqual = [...new Set(a)].sort().join() === [...new Set(b)].sort().join();
      expect([second === first, second.merkleRoot === first.merkleRoot]).toEqual([isEqual, isEqual]);
    }),
  );
});

test('property: diff is the difference of sets, in source order', async () => {
  await fc.assert(
    fc.asyncProperty(inputs, inputs, async (a, b) => {
      const { hub, run } = bench();
      const first = await run(hub.createTask({ name: 'a', source: listSource(a) }));
      const second = await run(hub.createTask({ name: 'b', source: listSource(b) }));
      const ids = (data: number[], without: number[]): Promise<string[]> =>
        Promise.all([...new Set(data)].filter((input) => !without.includes(input)).map(generateJobId));
      const found: string[][] = [];
      const { added, removed } = await hub.diff(first.id, second.id);
      for (const part of [added, removed]) {
        const list: string[] = [];
        for await (const id of part) list.push(id);
        found.push(list);
      }
      expect(found).toEqual([await ids(b, a), await ids(a, b)]);
    }),
  );
});

test('property: a stream that is read twice is the union, each job run once, its repeats counted anew', async () => {
  await fc.assert(
    fc.asyncProperty(inputs, inputs, form, fc.integer({ min: 1, max: 5 }), async (a, b, of, lookAhead) => {
      const { hub, run } = bench();
      let data = a;
      const ran: number[] = [];
      const source = streamSource(() => of(data), { handler: (input) => ran.push(input) });
      const task = await hub.createTask({ name: 'n', source, lookAhead });
      await run(task.start());
      data = b;
      const summary = await run(task.start());
      const union = [...new Set([...a, ...b])];
      expect([summary.status, summary.total, summary.completed]).toEqual([
        'completed',
        union.length,
        union.length,
      ]);
      expect(summary.duplicates).toBe(b.length - new Set(b).size);
      expect(ran).toEqual(union);
    }),
  );
});

test('property: reuse copies exactly the results that both data sets share', async () => {
  await fc.assert(
    fc.asyncProperty(inputs, inputs, form, async (a, b, of) => {
      const { hub, run } = bench();
      await run((await run(hub.createTask({ name: 'n', source: listSource(a) }))).start());
      const ran: number[] = [];
      const source = listSource(() => of(b), { handler: (input) => ran.push(input) });
      const task = await run(hub.createTask({ name: 'n', source, reuse: true }));
      const summary = await run(task.start());
      const fresh = [...new Set(b)].filter((input) => !a.includes(input));
      expect([summary.status, summary.completed, ran]).toEqual(['completed', new Set(b).size, fresh]);
    }),
  );
});
