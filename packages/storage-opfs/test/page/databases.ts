// Databases of tests: a name for each, the worker as it was built, and the ways around an adapter.
import { OPFSAdapter, type OPFSOptions } from '../../src/index.js';

/** Of the built worker. */
export const workerUrl: URL = new URL('../../dist/worker.js', import.meta.url);

/** The name of a database that nobody has used. */
export function newName(): string {
  return `test-${crypto.randomUUID()}`;
}

/** An adapter, not open yet. */
export function newStore(name: string, options: OPFSOptions = {}): OPFSAdapter {
  return new OPFSAdapter(name, { workerUrl, ...options });
}

/** The folder of a database. */
export async function folderOf(name: string): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  const all = await root.getDirectoryHandle('taskhub');
  return all.getDirectoryHandle(encodeURIComponent(name));
}

/** Deletes a database that nobody has open. */
export async function deleteDatabase(name: string): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const all = await root.getDirectoryHandle('taskhub');
  await all.removeEntry(encodeURIComponent(name), { recursive: true });
}
