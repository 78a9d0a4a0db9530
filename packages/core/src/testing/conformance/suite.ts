// One test of the suite: a place, an open handle, and what a test may ask of them.
import { type ErrorCode, isTaskHubError } from '../../errors.js';
import type { StorageAdapter } from '../../storage/contract.js';
import type { ConformanceRunner, ConformanceSetup } from '../conformance.js';

/** What a test gets: an empty store and the assertions. */
export interface World {
  /** An open handle on an empty store. */
  store: StorageAdapter;
  /** A second open handle on the same data, as another process has it. */
  other(): Promise<StorageAdapter>;
  /** Closes every handle and gives a new open one. */
  reopen(): Promise<StorageAdapter>;
  equal(actual: unknown, expected: unknown, message?: string): void;
  /** The promise rejects with a `TaskHubError` of this code. */
  rejects(code: ErrorCode, promise: Promise<unknown>): Promise<void>;
  /** The promise rejects, with whatever. */
  fails(promise: Promise<unknown>): Promise<void>;
}

/** Registers tests for one store. */
export interface Suite {
  spec(title: string, body: (world: World) => Promise<void>): void;
}

async function caught(promise: Promise<unknown>): Promise<{ error: unknown } | null> {
  try {
    await promise;
    return null;
  } catch (error) {
    return { error };
  }
}

/** Binds a runner to a store. */
export function suiteOf(runner: ConformanceRunner, setup: ConformanceSetup): Suite {
  const { equal } = runner;

  async function rejects(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
    const result = await caught(promise);
    if (result === null) throw new Error(`Expected ${code}, but the call went through.`);
    if (!isTaskHubError(result.error, code)) {
      throw new Error(`Expected ${code}, got ${String(result.error)}.`, { cause: result.error });
    }
  }

  async function fails(promise: Promise<unknown>): Promise<void> {
    if ((await caught(promise)) === null)
      throw new Error('Expected the call to reject, but it went through.');
  }

  function spec(title: string, body: (world: World) => Promise<void>): void {
    runner.test(`${setup.name}: ${title}`, async () => {
      const place = await setup.create();
      const handles: StorageAdapter[] = [];
      const open = async (): Promise<StorageAdapter> => {
        const handle = await place.open();
        handles.push(handle);
        await handle.open();
        return handle;
      };
      const close = async (): Promise<void> => {
        for (const handle of handles.splice(0)) await handle.close();
      };
      try {
        const store = await open();
        await body({
          store,
          other: setup.handles === 'one' ? () => Promise.resolve(store) : open,
          async reopen() {
            await close();
            return open();
          },
          equal: (actual, expected, message) => equal(actual, expected, message),
          rejects,
          fails,
        });
      } finally {
        await close();
        await place.destroy();
      }
    });
  }

  return { spec };
}
