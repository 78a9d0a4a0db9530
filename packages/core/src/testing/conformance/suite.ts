// One test of the suite: a place, an open handle, and what a test may ask of them.
import { type ErrorCode, isTaskHubError } from '../../errors.js';
import type { StorageAdapter } from '../../storage/contract.js';
import type { ConformanceRunner, ConformanceSetup, StorePlace } from '../conformance.js';

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
  /** Removes the place that tests have shared. */
  end(): Promise<void>;
}

/** Deletes every task. */
async function clear(store: StorageAdapter): Promise<void> {
  for (const query of [{ limit: 1000 }, { status: 'ingesting', limit: 1000 }] as const)
    for (const { id } of (await store.listTasks(query)).rows) await store.deleteTask(id);
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

  let kept: { place: StorePlace; handle: StorageAdapter } | undefined;

  function spec(title: string, body: (world: World) => Promise<void>): void {
    runner.test(`${setup.name}: ${title}`, async () => {
      const place = kept?.place ?? (await setup.create());
      const handles: StorageAdapter[] = kept === undefined ? [] : [kept.handle];
      kept = undefined;
      const open = async (): Promise<StorageAdapter> => {
        const handle = await place.open();
        handles.push(handle);
        await handle.open();
        return handle;
      };
      const close = async (from = 0): Promise<void> => {
        for (const handle of handles.splice(from)) await handle.close();
      };
      try {
        const store = handles[0] ?? (await open());
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
        if (setup.places === 'one') {
          await close(1);
          const [handle] = handles.splice(0) as [StorageAdapter]; // the first, or that of the last reopen()
          await clear(handle);
          kept = { place, handle };
        }
      } finally {
        if (kept === undefined) {
          await close();
          await place.destroy();
        }
      }
    });
  }

  async function end(): Promise<void> {
    await kept?.handle.close();
    await kept?.place.destroy();
    kept = undefined;
  }

  return { spec, end };
}
