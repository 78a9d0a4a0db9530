// The whole engine over a faulty store and faulty handlers, in virtual time. One that fails can be looked at alone:
// pnpm simulate --seed 123
import { describe, expect, test } from 'vitest';
import { planOf } from './simulation/plan.js';
import { simulate } from './simulation/simulate.js';

const RUNS = 2000;
const SLICE = 250;

describe('simulation', () => {
  for (let first = 1; first <= RUNS; first += SLICE) {
    test(`seeds ${first} to ${first + SLICE - 1}: every input is settled once, with its result, and every promise settles`, {
      timeout: 120_000,
    }, async () => {
      for (let seed = first; seed < first + SLICE; seed += 1) {
        const { problems } = await simulate(seed);
        expect(problems, `seed ${seed}`).toEqual([]);
      }
    });
  }

  test('the same seed gives the same log, byte for byte', async () => {
    for (const seed of [1, 24, 74, 187]) {
      const { log } = await simulate(seed);
      expect(log.length).toBeGreaterThan(3);
      expect((await simulate(seed)).log.join('\n')).toBe(log.join('\n'));
    }
  });

  for (const type of ['deterministic', 'dynamic'] as const) {
    for (const applied of [false, true]) {
      const how = applied ? 'its work done' : 'nothing done';
      test(`a ${type} task whose process dies at any call of the store, ${how}, is finished by the next`, async () => {
        // Nothing else goes wrong with the store.
        const plan = { ...planOf(80), type, faults: 0, clockJumps: false, blocks: false, commands: 8 };
        for (let call = 1, isReached = true; isReached; call += 1) {
          const { problems, log } = await simulate(80, { ...plan, deaths: [{ call, applied }] });
          expect(problems, `dead at call ${call}`).toEqual([]);
          isReached = log.some((line) => line.includes('dies: at call'));
          if (!isReached) expect(call).toBeGreaterThan(20);
        }
      });
    }
  }
});
