// The faults that simulations must find; `pnpm simulate --mutants` hunts all of them.
import { expect, test } from 'vitest';
import { MUTANTS } from './simulation/mutants.js';
import { hunt, mutated } from './simulation/mutate.js';

test('mutants: every fault still has its place in the source', () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(10);
  for (const mutant of MUTANTS) expect(mutated(mutant).size, mutant.name).toBeGreaterThan(0);
});

for (const name of [
  'announce before it is recorded',
  'charge the attempt twice',
  'run one handler more than max',
])
  test(`mutants: "${name}" is found`, { timeout: 120_000 }, async () => {
    const mutant = MUTANTS.find((known) => known.name === name);
    expect(await hunt(mutant as (typeof MUTANTS)[number], 200)).toMatchObject({ name, killed: true });
  });
