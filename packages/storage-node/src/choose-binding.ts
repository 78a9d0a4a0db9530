// Which SQLite binding to use: better-sqlite3 where it is installed and works, else the one of the runtime.
import { TaskHubError } from '@taskhub/core';
import { findBetterSqlite3 } from './better-sqlite3.js';
import type { Binding, BindingName, Found } from './binding.js';
import { findNodeSqlite } from './node-sqlite.js';

/** How each binding is looked for, in the order in which they are tried. */
export type Finders = Readonly<Record<BindingName, () => Found>>;

const FINDERS: Finders = {
  'better-sqlite3': () => findBetterSqlite3(),
  'node-sqlite': findNodeSqlite,
};

/** The names of all bindings. */
export const BINDING_NAMES = Object.keys(FINDERS) as readonly BindingName[]; // The keys of a table by BindingName.

/**
 * The binding that was asked for, or else the first that works.
 *
 * @throws TaskHubError STORAGE_UNAVAILABLE with the reason for each, and the command that mends the first
 */
export function chooseBinding(wanted: BindingName | undefined, finders: Finders = FINDERS): Binding {
  const reasons: string[] = [];
  let first: Exclude<Found, { binding: Binding }> | undefined;
  for (const name of wanted === undefined ? BINDING_NAMES : [wanted]) {
    const found = finders[name]();
    if ('binding' in found) return found.binding;
    reasons.push(found.reason);
    first ??= found;
  }
  throw new TaskHubError(
    'STORAGE_UNAVAILABLE',
    `SQLite cannot be used here: ${reasons.join(', and ')}. To mend it: ${first?.fix}`,
    { details: { reasons, fix: first?.fix }, cause: first?.cause },
  );
}
