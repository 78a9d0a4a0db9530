// The conformance suite itself: that it finds what is wrong with a store, and says it briefly.
import { describe, expect, test } from 'vitest';
import type { Exchange, ExchangeResult } from '../src/storage/contract.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';
import { type ConformanceSetup, conformance } from '../src/testing/conformance.js';
import { rejection } from './fixtures.js';

/** The tests that the suite registers, not run. */
function testsOf(setup: ConformanceSetup): Map<string, () => Promise<void>> {
  const tests = new Map<string, () => Promise<void>>();
  const equal = (actual: unknown, expected: unknown, message?: string): void =>
    expect(actual, message).toStrictEqual(expected);
  conformance({ test: (name, run) => void tests.set(name, run), equal }, setup);
  return tests;
}

describe('a sequence', () => {
  const FAULTS: Record<string, (batch: Exchange) => Exchange> = {
    'does not look which task is meant': ({ no: _, ...batch }) => batch,
    'records the second settlement of an exchange as if the first were the last': (batch) => ({
      ...batch,
      settle: batch.settle.slice(0, 1),
    }),
    'gives one job less than it could': ({ claim, ...batch }) => ({
      ...batch,
      claim: claim && { ...claim, limit: Math.max(0, claim.limit - 1) },
    }),
  };
  for (const [what, spoil] of Object.entries(FAULTS)) {
    test(`of a store that ${what} fails, and its message has the seed and the few calls that it takes`, async () => {
      class Faulty extends MemoryAdapter {
        override exchange(taskId: string, batch: Exchange): Promise<ExchangeResult> {
          return super.exchange(taskId, spoil(batch));
        }
      }
      const tests = testsOf({
        name: 'faulty',
        create() {
          const adapter = new Faulty();
          return { open: () => adapter, destroy() {} };
        },
        seeds: [7],
      });
      const [run] = [...tests].flatMap(([name, body]) => (name.includes('sequence') ? [body] : []));
      const { message } = (await rejection((run as () => Promise<void>)())) as Error;
      expect(message).toMatch(/^seed 7: .*exchange/s);
      const calls = message.slice(message.indexOf('after the calls\n')).trim().split('\n').slice(1);
      expect(calls.at(-1)).toMatch(/^exchange "[tu]" \{/);
      expect(calls.length).toBeLessThanOrEqual(2 + 3); // both tasks are made first
    });
  }
});

test('tests that share a place: it is made once, and removed when the last has ended', async () => {
  const places: { isGone: boolean }[] = [];
  const tests = testsOf({
    name: 'memory',
    places: 'one',
    create() {
      const adapter = new MemoryAdapter();
      const place = { isGone: false };
      places.push(place);
      return {
        open: () => adapter,
        destroy() {
          place.isGone = true;
        },
      };
    },
    seeds: [1],
  });
  for (const run of tests.values()) await run();
  expect(places).toEqual([{ isGone: true }]);
});
