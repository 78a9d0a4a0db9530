// Which bindings the tests run with. A binding that must be there and is not fails the tests: no fallback goes unseen.
import process from 'node:process';
import { findBetterSqlite3 } from '../src/better-sqlite3.js';
import type { BindingName } from '../src/binding.js';
import { cutsText, findNodeSqlite } from '../src/node-sqlite.js';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

/** Whether `node:sqlite` must be there. */
export const hasNodeSqlite: boolean = major > 22 || (major === 22 && minor >= 13);

/**
 * On Node 20 better-sqlite3, which must work there. On Node 22.13 and later node:sqlite, which must be there, and
 * better-sqlite3 if it was compiled for this Node. `TASKHUB_BINDINGS=better-sqlite3,node-sqlite` asks for exactly these.
 */
export const bindings: BindingName[] = expected();

function expected(): BindingName[] {
  const asked = process.env.TASKHUB_BINDINGS;
  if (asked !== undefined) return asked.split(',') as BindingName[]; // A wrong name fails when a store is opened.
  if (!hasNodeSqlite) return ['better-sqlite3'];
  return 'binding' in findBetterSqlite3() ? ['better-sqlite3', 'node-sqlite'] : ['node-sqlite'];
}

/** Whether the node:sqlite of this runtime reads text only up to its first NUL character. */
export function cutsTextAtNul(): boolean {
  const found = findNodeSqlite();
  return 'binding' in found && cutsText(found.binding.open(':memory:'));
}
