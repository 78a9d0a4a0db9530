// Which binding is chosen, and what is said where none works.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { newFolder, newPath, rejection } from '@taskhub/storage-sqlite/testing';
import { expect, test } from 'vitest';
import { findBetterSqlite3 } from '../src/better-sqlite3.js';
import { chooseBinding } from '../src/choose-binding.js';
import { NodeSQLiteAdapter } from '../src/index.js';
import { findNodeSqlite } from '../src/node-sqlite.js';
import { bindings, hasNodeSqlite } from './bindings.js';

/** Bun and Deno have versions of their own that do not load at all. */
const isForeignRuntime = 'bun' in process.versions || 'deno' in process.versions;
const nodeMajor = Number.parseInt(process.versions.node, 10);

/** A place where better-sqlite3 of this version is installed that throws when it is loaded. */
function placeWith(version: string, says = 'was loaded'): string {
  const place = newFolder();
  const folder = join(place, 'node_modules', 'better-sqlite3');
  mkdirSync(join(folder, 'lib'), { recursive: true });
  const manifest = { name: 'better-sqlite3', version, main: 'lib/index.js' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'lib', 'index.js'), `throw new Error('${says}');`);
  return join(place, 'package.json');
}

test('better-sqlite3: absent, it says which version to install', () => {
  expect(findBetterSqlite3([])).toEqual({
    reason: 'better-sqlite3 is not installed',
    fix: `npm install better-sqlite3${nodeMajor < 22 ? '@12' : ''}`,
  });
});

test.runIf(nodeMajor < 22)(
  'better-sqlite3: 13 would crash this Node and is refused before it is loaded',
  () => {
    expect(findBetterSqlite3([placeWith('13.2.0')])).toEqual({
      reason: `better-sqlite3 13.2.0 would crash Node ${process.versions.node}`,
      fix: 'npm install better-sqlite3@12',
    });
  },
);

test.skipIf(isForeignRuntime)(
  'better-sqlite3: installed but not loadable, it gives the cause and the command',
  () => {
    const found = findBetterSqlite3([placeWith('12.11.1', 'Could not locate the bindings file')]);
    expect(found).toMatchObject({ fix: 'npm rebuild better-sqlite3' });
    expect(found).toHaveProperty('cause.message', 'Could not locate the bindings file');
  },
);

test.runIf(bindings.includes('better-sqlite3'))(
  'better-sqlite3: it is looked for in one place after the other',
  () => {
    expect(findBetterSqlite3(['/nowhere/package.json', import.meta.url])).toHaveProperty(
      'binding.name',
      'better-sqlite3',
    );
  },
);

test('node:sqlite: it is there from Node 22.13 on', () => {
  const found = findNodeSqlite();
  if (hasNodeSqlite) expect(found).toHaveProperty('binding.name', 'node-sqlite');
  else expect(found).toMatchObject({ reason: `Node ${process.versions.node} has no node:sqlite` });
});

test('chooseBinding: better-sqlite3 goes first, then node:sqlite', () => {
  const none = { reason: 'no', fix: 'fix' };
  const binding = (name: 'better-sqlite3' | 'node-sqlite') => ({
    binding: { name, open: () => ({}) as never },
  });
  const [better, node] = [() => binding('better-sqlite3'), () => binding('node-sqlite')];
  expect(chooseBinding(undefined, { 'better-sqlite3': better, 'node-sqlite': node }).name).toBe(
    'better-sqlite3',
  );
  expect(chooseBinding(undefined, { 'better-sqlite3': () => none, 'node-sqlite': node }).name).toBe(
    'node-sqlite',
  );
});

test('chooseBinding: where none works, it gives both reasons and the command', () => {
  const cause = new Error('dlopen');
  const finders = {
    'better-sqlite3': () => ({ reason: 'A is not there', fix: 'npm install a', cause }),
    'node-sqlite': () => ({ reason: 'B is not there', fix: 'use B' }),
  };
  expect(() => chooseBinding(undefined, finders)).toThrowError(
    expect.objectContaining({
      code: 'STORAGE_UNAVAILABLE',
      message: 'SQLite cannot be used here: A is not there, and B is not there. To mend it: npm install a',
      cause,
    }),
  );
});

test.runIf(!hasNodeSqlite)(
  'open: a binding that was asked for and is not there is no reason to take another',
  async () => {
    const path = newPath();
    const store = new NodeSQLiteAdapter(path, { driver: 'node-sqlite' });
    expect(await rejection(store.open(), 'STORAGE_UNAVAILABLE')).toContain('use Node 22.13 or later');
    expect(existsSync(path)).toBe(false);
  },
);

test('NodeSQLiteAdapter: a driver that there is not is refused with what is allowed', () => {
  expect(() => new NodeSQLiteAdapter(newPath(), { driver: 'sqlite4' as never })).toThrowError(
    expect.objectContaining({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('better-sqlite3, node-sqlite'),
    }),
  );
});
