// The contract as tests: every sentence of `storage/contract.ts`, run against any store under any runner.
//
// The runner brings `test` and `equal`, the store brings a place to keep data in; nothing here knows a runtime.
import type { StorageAdapter } from '../storage/contract.js';
import { exchangeCases } from './conformance/exchange.js';
import { ingestCases } from './conformance/ingest.js';
import { leaseCases } from './conformance/leases.js';
import { madeAgainCases } from './conformance/made-again.js';
import { payloadCases } from './conformance/payloads.js';
import { persistenceCases } from './conformance/persistence.js';
import { readingCases } from './conformance/reading.js';
import { reuseCases } from './conformance/reuse.js';
import { sequenceCases } from './conformance/sequence.js';
import type { Suite } from './conformance/suite.js';
import { suiteOf } from './conformance/suite.js';
import { takeoverCases } from './conformance/takeover.js';
import { taskCases } from './conformance/tasks.js';
import { transitionCases } from './conformance/transitions.js';

/** The two functions that the suite needs of a test runner. */
export interface ConformanceRunner {
  /** Registers a test; it fails when the promise rejects. */
  test(name: string, run: () => Promise<void>): void;
  /** Throws unless both are deeply equal: plain objects, arrays, strings, numbers, booleans and null. */
  equal(actual: unknown, expected: unknown, message?: string): void;
}

/** One set of data, empty at first. */
export interface StorePlace {
  /** A handle on the data, not open yet: a new one each time, but for a store that lives in its instance. */
  open(): StorageAdapter | Promise<StorageAdapter>;
  /** Removes the data. The suite has closed every handle before. */
  destroy(): void | Promise<void>;
}

/** What the suite needs to know of a store. */
export interface ConformanceSetup {
  /** Goes before the titles: `memory: exchange: …`. */
  name: string;
  /** Makes a place for the data of one test; tests may overlap. */
  create(): StorePlace | Promise<StorePlace>;
  /**
   * How many handles may be open on one place at once. With `one`, both owners of a test use the same handle.
   *
   * @default 'many'
   */
  handles?: 'one' | 'many';
  /**
   * With `one`, tests share a place, each of which leaves it without tasks; a test that fails has had it for the last
   * time. For a store that takes long to make; the tests must not overlap then.
   *
   * @default 'many': each test has a place of its own
   */
  places?: 'one' | 'many';
  /** Seeds of the random sequences, one test each; give one to replay a failure. @default [1, 2, 3] */
  seeds?: readonly number[];
}

/**
 * Registers the conformance suite of the storage contract for one store.
 *
 * @example
 * conformance({ test, equal: (actual, expected, message) => expect(actual, message).toEqual(expected) }, {
 *   name: 'memory',
 *   create() {
 *     const adapter = new MemoryAdapter();
 *     return { open: () => adapter, destroy() {} };
 *   },
 * });
 */
export function conformance(runner: ConformanceRunner, setup: ConformanceSetup): void {
  const suite: Suite = suiteOf(runner, setup);
  taskCases(suite);
  ingestCases(suite);
  reuseCases(suite);
  madeAgainCases(suite);
  exchangeCases(suite);
  takeoverCases(suite);
  leaseCases(suite);
  transitionCases(suite);
  readingCases(suite);
  payloadCases(suite);
  persistenceCases(suite);
  sequenceCases(suite, setup.seeds ?? [1, 2, 3]);
  if (setup.places === 'one') runner.test(`${setup.name}: the place that tests have shared`, suite.end);
}
