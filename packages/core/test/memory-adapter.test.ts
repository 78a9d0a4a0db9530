import { describe, expect, test } from 'vitest';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { conformance } from '../src/testing/conformance.js';

conformance(
  { test, equal: (actual, expected, message) => expect(actual, message).toStrictEqual(expected) },
  {
    name: 'memory',
    create() {
      const adapter = new MemoryAdapter();
      return { open: () => adapter, destroy() {} };
    },
  },
);

const NOW = 1_700_000_000_000;
const LEASE = 30_000;

async function storeWith(jobs: number): Promise<MemoryAdapter> {
  const store = new MemoryAdapter();
  await store.insertTask({
    id: 't',
    name: 'n',
    status: 'idle',
    options: '{}',
    reuseFrom: null,
    owner: 'ann',
    leaseUntil: NOW,
    now: NOW,
  });
  const batch = Array.from({ length: jobs }, (_, at) => {
    const hash = new Uint8Array(32);
    new DataView(hash.buffer).setUint32(28, Math.imul(at + 1, 0x9e3779b1));
    return { seq: at + 1, hash, key: null, input: String(at) };
  });
  await store.insertJobs('t', batch, { now: NOW, last: true });
  return store;
}

describe('what is special to memory', () => {
  test('the data belongs to the instance: another one is empty', async () => {
    await storeWith(1);
    expect(await new MemoryAdapter().readTask('t')).toBeNull();
  });

  test('closing it keeps the data for the next hub', async () => {
    const store = await storeWith(2);
    await store.close();
    await store.open();
    expect((await store.readTask('t'))?.lastSeq).toBe(2);
  });

  test('it says that nothing is there after the process', () => {
    expect(new MemoryAdapter().capabilities).toEqual({ persistent: false, shared: true });
  });

  test('20,000 jobs that fail, wait and die in disorder are all settled once', async () => {
    const store = await storeWith(20_000);
    const done = new Set<number>();
    const twice: number[] = [];
    let held: { seq: number; attempts: number }[] = [];
    let now = NOW;
    let counts = { completed: 0, waiting: 0 };
    for (let turn = 0; counts.completed < 20_000; turn += 1) {
      // A new owner every third turn: what the one before held is taken over.
      const owner = `owner ${Math.floor(turn / 3)}`;
      now += turn % 3 === 0 ? LEASE : 1;
      const settle = held.map(({ seq, attempts }) => {
        const span = { seq, startedAt: now, endedAt: now };
        return attempts < 3 && seq % 4 === 0
          ? { ...span, outcome: 'retry' as const, error: 'again', dueAt: now + ((seq * 7919) % 50) }
          : { ...span, outcome: 'completed' as const, output: null };
      });
      const result = await store.exchange('t', {
        owner,
        now,
        settle,
        claim: { limit: 600, leaseUntil: now + LEASE },
      });
      const lost = new Set(result.lost);
      for (const { seq, outcome } of settle) {
        if (outcome !== 'completed' || lost.has(seq)) continue;
        if (done.has(seq)) twice.push(seq);
        done.add(seq);
      }
      held = result.claimed;
      counts = result.counts;
    }
    expect([done.size, twice]).toEqual([20_000, []]);
    expect(counts.waiting).toBe(0);
  });
});
