// What a SQLite binding is to this package, and the runtime it has to fit.
import process from 'node:process';
import type { SqliteDriver } from '@taskhub/storage-sqlite';

/** The names of the bindings, as in the option `storage`. */
export type BindingName = 'better-sqlite3' | 'node-sqlite';

/** A loaded binding. */
export interface Binding {
  name: BindingName;
  open(path: string): SqliteDriver;
}

/** A binding, or why there is none and the command (or step) that mends it. */
export type Found = { binding: Binding } | { reason: string; fix: string; cause?: unknown };

/** The runtime by name and version, and the major version of Node (for Bun and Deno: of the Node they stand for). */
export function runtime(): { name: string; isNode: boolean; nodeMajor: number } {
  const { bun, deno, node } = process.versions;
  const name = bun !== undefined ? `Bun ${bun}` : deno !== undefined ? `Deno ${deno}` : `Node ${node}`;
  return { name, isNode: bun === undefined && deno === undefined, nodeMajor: Number.parseInt(node, 10) };
}
