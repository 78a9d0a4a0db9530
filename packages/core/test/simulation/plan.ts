// What one seed decides before anything runs: the task, its limits, and how bad the night is.
import type { TaskConfig } from '../../src/types.js';
import { Chance } from './chance.js';

/** An input. `copy` makes no difference to its identity: the same `n` is the same job. */
export interface Input {
  n: number;
}

/** What a handler does when it is called. */
export type Fate =
  | 'returns'
  | 'takes time'
  | 'breaks'
  | 'is refused'
  | 'fails'
  | 'hangs until told'
  | 'ignores its signal'
  | 'answers when told'
  | 'answers late'
  | 'gives what JSON cannot hold'
  | 'throws nonsense';

export interface Plan {
  seed: number;
  type: 'deterministic' | 'dynamic';
  /** As the source gives them, repeats included. */
  inputs: readonly Input[];
  /** Inputs that are jobs, in source order. */
  distinct: readonly number[];
  config: TaskConfig & {
    concurrency: { max: number };
    retry: { maxAttempts: number; maxCrashes: number; maxThrottles: number };
    timeout: number;
    stopGrace: number;
  };
  leaseMs: number;
  /** Share of store calls that go wrong. */
  faults: number;
  /** Share of exchanges that are answered late, and of changes by commands that begin late: other calls overtake them. */
  late: number;
  /** Whether some faults take longer than a lease. */
  hangs: boolean;
  /** A process dies at this call of the store, counted from its birth; 0 for never. One entry for each life. */
  deaths: readonly { call: number; applied: boolean }[];
  /** Share of deaths that other processes know of at once; of the others only the lease tells. */
  known: number;
  /** Processes that work at the same time. */
  sideBySide: number;
  /** Commands given at random moments. */
  commands: number;
  fates: Readonly<Record<Fate, number>>;
  /** Inputs whose handler kills its process. */
  poison: ReadonlySet<number>;
  /** Whether clocks are set back and forward by up to an hour. */
  clockJumps: boolean;
  /** Whether event loops are blocked for up to a minute. */
  blocks: boolean;
  /** Whether the task may be destroyed by a command. */
  destroys: boolean;
  /** Whether the source throws now and then in mid-reading. */
  sourceBreaks: boolean;
}

const MANY_CALLS = 40;

export function planOf(seed: number): Plan {
  const chance = new Chance(seed, 1);
  const count = 1 + chance.below(chance.pick([3, 12, 30]));
  const distinct = Array.from({ length: count }, (_, n) => n);
  const inputs: Input[] = [];
  for (const n of distinct) {
    inputs.push({ n });
    if (chance.is(0.1)) inputs.push({ n: chance.below(n + 1) });
  }
  const isCalm = chance.is(0.15);
  const max = 1 + chance.below(6);
  const maxAttempts = 1 + chance.below(4);
  const baseDelay = chance.below(2000);
  const poisons = chance.is(0.15);
  const trouble = (share: number): number => (isCalm ? 0 : chance.random() * share);
  return {
    seed,
    type: chance.is(0.45) ? 'dynamic' : 'deterministic',
    inputs,
    distinct,
    config: {
      concurrency: {
        max,
        initial: 1 + chance.below(max),
        algorithm: chance.is(0.3) ? 'adaptive' : 'aimd',
      },
      retry: {
        maxAttempts,
        maxCrashes: 1 + chance.below(4),
        baseDelay,
        maxDelay: 5000,
        maxThrottles: chance.is(0.3) ? 1 + chance.below(4) : Number.POSITIVE_INFINITY,
      },
      timeout: 1000 + chance.below(3000),
      stopGrace: chance.below(3000),
      lookAhead: 1 + chance.below(20),
      progressInterval: chance.pick([0, 200]),
      ...(chance.is(0.15) && { halt: { failures: 1 + chance.below(3) } }),
    },
    leaseMs: chance.pick([2000, 2000, 10_000, 30_000]),
    faults: isCalm || chance.is(0.3) ? 0 : chance.pick([0.02, 0.1, 0.25]),
    late: !isCalm && chance.is(0.15) ? 0.3 : 0,
    hangs: chance.is(0.4),
    deaths: Array.from({ length: isCalm ? 0 : chance.below(6) }, () => ({
      call: 1 + chance.below(MANY_CALLS),
      applied: chance.is(0.5),
    })),
    known: chance.pick([0, 0.5, 1]),
    sideBySide: chance.is(0.3) ? 2 : 1,
    commands: isCalm ? chance.below(4) : chance.below(25),
    fates: {
      returns: 1,
      'takes time': 3,
      breaks: trouble(1),
      'is refused': trouble(1),
      fails: trouble(0.5),
      'hangs until told': trouble(0.5),
      'ignores its signal': trouble(0.5),
      'answers when told': trouble(0.5),
      'answers late': trouble(0.5),
      'gives what JSON cannot hold': trouble(0.1),
      'throws nonsense': trouble(0.1),
    },
    poison: new Set(poisons ? distinct.filter(() => chance.is(0.15)) : []),
    clockJumps: !isCalm && chance.is(0.1),
    blocks: !isCalm && chance.is(0.2),
    destroys: !isCalm && chance.is(0.15),
    sourceBreaks: !isCalm && chance.is(0.1),
  };
}
