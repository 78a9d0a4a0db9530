// The binding better-sqlite3: found where the user installed it, judged before it is loaded, since the wrong one
// kills the process: 13 on Node below 22 ends in a segmentation fault that nothing can catch.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { SqliteDriver, SqliteValue } from '@taskhub/storage-sqlite';
import type BetterSqlite3 from 'better-sqlite3';
import { type Binding, type Found, runtime } from './binding.js';

type Constructor = typeof BetterSqlite3;

/** The command that installs a version which works with this runtime. */
function installCommand(): string {
  return `npm install better-sqlite3${runtime().nodeMajor < 22 ? '@12' : ''}`;
}

/**
 * Looks for better-sqlite3 and loads it if that is safe.
 *
 * @param places - files or file URLs from which it is looked for, one after the other. By default this package, then
 * the working folder: a copy of this package that is linked or installed globally has no better-sqlite3 beside it
 */
export function findBetterSqlite3(
  places: readonly string[] = [import.meta.url, join(process.cwd(), 'package.json')],
): Found {
  const installed = resolveInstalled(places);
  if (installed === undefined) return { reason: 'better-sqlite3 is not installed', fix: installCommand() };
  const refusal = refuse(installed.version);
  if (refusal !== undefined) return refusal;
  try {
    const Database = installed.require('better-sqlite3') as Constructor;
    new Database(':memory:').close(); // The compiled part is loaded by the first use only.
    return { binding: binding(Database) };
  } catch (cause) {
    const reason = `better-sqlite3 ${installed.version} is installed but does not load in ${runtime().name}`;
    return { reason, fix: 'npm rebuild better-sqlite3', cause };
  }
}

function refuse(version: string): Found | undefined {
  const major = Number.parseInt(version, 10);
  const { name, isNode, nodeMajor } = runtime();
  if (isNode && nodeMajor < 22 && major >= 13) {
    return { reason: `better-sqlite3 ${version} would crash ${name}`, fix: installCommand() };
  }
  if (!isNode && major < 13) {
    return {
      reason: `better-sqlite3 ${version} does not run in ${name}`,
      fix: 'npm install better-sqlite3@13',
    };
  }
  return undefined;
}

interface Installed {
  version: string;
  require: (id: string) => unknown;
}

function resolveInstalled(places: readonly string[]): Installed | undefined {
  // Not imported by name: webpack knows `createRequire`, cannot follow its argument and puts undefined in its place.
  const { createRequire } = process.getBuiltinModule('node:module');
  for (const place of places) {
    const require = createRequire(place);
    const version = readVersion(require);
    if (version !== undefined) return { version, require };
  }
  return undefined;
}

function readVersion(require: NodeJS.Require): string | undefined {
  let folder: string;
  try {
    folder = dirname(require.resolve('better-sqlite3'));
  } catch {
    return undefined; // Not to be found from there.
  }
  // Up from the entry file to the package's own package.json; `exports` may hide it from `require.resolve`.
  for (;;) {
    const manifest = readManifest(join(folder, 'package.json'));
    if (manifest?.name === 'better-sqlite3') return manifest.version;
    const parent = dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}

function readManifest(path: string): { name: string; version: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined; // No package.json in this folder.
  }
}

function binding(Database: Constructor): Binding {
  return {
    name: 'better-sqlite3',
    open(path): SqliteDriver {
      const db = new Database(path, { timeout: 0 });
      return {
        exec: (sql) => db.exec(sql),
        prepare: (sql) => db.prepare<SqliteValue[]>(sql),
        serialize: () => db.serialize(),
        close: () => db.close(),
      };
    },
  };
}
