// Who may import whom: the picture in docs/architecture.md, kept by reading the imports.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const packages = fileURLToPath(new URL('../../', import.meta.url));
const core = join(packages, 'core/src');

/** Rules over values that know no clock, no store and no emitter. */
const PURE = [
  'backoff',
  'canonical-json',
  'classify',
  'config',
  'errors',
  'failure',
  'halt',
  'hash-index',
  'hash-list',
  'hints',
  'identity',
  'job-state',
  'json-walk',
  'judge',
  'limit/adaptive',
  'limit/adaptive/accept',
  'limit/adaptive/admit',
  'limit/adaptive/block',
  'limit/adaptive/decrease',
  'limit/adaptive/explain',
  'limit/adaptive/latency',
  'limit/adaptive/refuse',
  'limit/adaptive/state',
  'limit/aimd',
  'limit/controller',
  'limit/gate',
  'limit/words',
  'merkle',
  'schema',
  'settle',
  'sha256',
  'stored-options',
  'task-state',
];
/** Types only; anybody may name them. */
const TYPES = ['types', 'storage/contract', 'run-job', 'limit/controller'];

interface Import {
  from: string;
  to: string;
  isType: boolean;
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/^(?:import|export) (type )?[^;']*?from '([^']+)';|import\('([^']+)'\)/gms);
  return [...found].map(([statement, type, from, dynamic]) => ({
    from: file,
    to: from ?? dynamic ?? '',
    // A list in which every name is marked as a type leaves no import behind either.
    isType: type !== undefined || /\{(\s*type [^,}]+,?)+\s*\}/.test(statement),
  }));
}

const nameOf = (file: string): string => relative(core, file).replace(/\.ts$/, '').replaceAll('\\', '/');
const target = ({ from, to }: Import): string => nameOf(join(dirname(from), to.replace(/\.js$/, '.ts')));
const coreFiles = sourcesIn(core);
const inside = coreFiles.flatMap(importsOf).filter(({ to }) => to.startsWith('.'));

test('core imports nothing of a runtime, and only the two libraries that are bundled in', () => {
  const outside = coreFiles.flatMap(importsOf).filter(({ to }) => !to.startsWith('.'));
  expect([...new Set(outside.map(({ to }) => to))].sort()).toEqual(['@noble/hashes/sha2.js', 'mitt']);
});

test('pure files import pure files', () => {
  const impure = inside
    .filter(({ from }) => PURE.includes(nameOf(from)))
    .filter((each) => !PURE.includes(target(each)) && !(each.isType && TYPES.includes(target(each))))
    .map((each) => `${nameOf(each.from)} → ${target(each)}`);
  expect(impure).toEqual([]);
});

test('only clock.ts touches timers and Date, only ports.ts touches chance and fetch', () => {
  const words: [RegExp, string][] = [
    [/\b(setTimeout|setInterval|setImmediate)\(|\bDate\.now\b|\bnew Date\(\)|\bperformance\./, 'clock'],
    [/\bMath\.random\b|globalThis\.fetch\(/, 'ports'],
  ];
  for (const [word, owner] of words) {
    const users = coreFiles
      .filter((file) => !nameOf(file).startsWith('testing/'))
      .filter((file) => {
        const code = readFileSync(file, 'utf8')
          .replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '')
          .replaceAll(/clock\.\w+/g, '');
        return word.test(code);
      });
    expect(users.map(nameOf)).toEqual([owner]);
  }
});

test('nothing is printed', () => {
  const printing = sourcesIn(packages)
    .filter((file) => /\/src\//.test(file) && !file.includes('node_modules'))
    .filter((file) => /\bconsole\./.test(readFileSync(file, 'utf8').replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '')));
  expect(printing).toEqual([]);
});

test('there are no cycles, types aside', () => {
  const edges = new Map<string, string[]>();
  for (const each of inside) {
    if (!each.isType) edges.set(nameOf(each.from), [...(edges.get(nameOf(each.from)) ?? []), target(each)]);
  }
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    else if (!done.has(file)) for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  expect(cycles).toEqual([]);
});

test('stores import the public core and their binding, never each other', () => {
  const allowed: Record<string, RegExp> = {
    'storage-sqlite': /^(\.|@taskhub\/core$|node:)/,
    'storage-bun': /^(\.|@taskhub\/core$|@taskhub\/storage-sqlite(\/file)?$|node:|bun:sqlite$)/,
    'storage-opfs': /^(\.|@taskhub\/core$|@taskhub\/storage-sqlite$|@sqlite\.org\/sqlite-wasm$)/,
    'storage-node': /^(\.|@taskhub\/core$|@taskhub\/storage-sqlite(\/file)?$|node:|better-sqlite3$)/,
  };
  for (const [name, rule] of Object.entries(allowed)) {
    const sources = sourcesIn(join(packages, name, 'src')).filter((file) => !file.includes('/testing/'));
    const others = sources.flatMap(importsOf);
    expect(others.map(({ to }) => to).filter((to) => !rule.test(to))).toEqual([]);
  }
});

test('every file begins with a line that says what it owns', () => {
  const without = sourcesIn(packages)
    .filter((file) => /\/src\//.test(file) && !file.includes('node_modules'))
    .filter((file) => !/^(#!.*\n)?\/\/ /.test(readFileSync(file, 'utf8')));
  expect(without.map((file) => relative(packages, file))).toEqual([]);
});
