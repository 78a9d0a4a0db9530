// The worker: runs the SQLite store of its page, or reaches the one of another tab.
import { TaskHubError } from '@taskhub/core';
import { SqliteStore } from '@taskhub/storage-sqlite';
import { outcomeOf, type PageCall, READY, type StoreConfig } from './messages.js';
import { assertFileSystem, openFile } from './pool.js';
import { compileSqlite } from './sqlite-wasm.js';
import { Team } from './team.js';

/** The part of a worker's global that is used; its types and those of pages exclude each other. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<PageCall>) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
}
const scope = globalThis as unknown as WorkerScope;

let team: Team | undefined;

async function open({ database, durability, wasmUrl }: StoreConfig): Promise<void> {
  await assertFileSystem(database);
  // Compiled by every tab before it is needed: the one that takes over has it at hand.
  const module = await compileSqlite(wasmUrl ?? new URL('./sqlite3.wasm', import.meta.url).href);
  team = new Team(database, async (isAlone) => {
    const file = { verify: (): void => undefined };
    const store = new SqliteStore({
      name: 'opfs',
      path: database,
      durability,
      verify: () => file.verify(),
      connect: async () => {
        const { driver, verify } = await openFile(module, database, isAlone);
        file.verify = verify;
        return { name: 'opfs', driver, journal: durability === 'strict' ? 'TRUNCATE' : 'WAL' };
      },
    });
    await store.open();
    return store;
  });
  await team.open();
}

async function serve(call: PageCall): Promise<unknown> {
  if (call.method === 'open') return open(call.args[0]);
  if (team === undefined)
    throw new TaskHubError('HUB_CLOSED', 'The database is not open. Call open() first.');
  if (call.method === 'close') return team.close();
  return team.call(call.method, call.args);
}

scope.onmessage = async ({ data }) => {
  const outcome = await outcomeOf(serve(data));
  // The bytes of a whole database are not copied.
  const bytes = 'value' in outcome && outcome.value instanceof Uint8Array ? [outcome.value.buffer] : [];
  scope.postMessage({ id: data.id, outcome }, bytes);
};
scope.postMessage(READY);
