// Runs test files inside this process, as often as wanted, with one source file changed: a hundred times as quick as a
// run of vitest each. Modules are compiled once and made anew for every run; `expect` is that of vitest.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { format } from 'node:util';
import vm from 'node:vm';
import ts from 'typescript';
import { expect } from 'vitest';

type Body = (...values: never[]) => unknown;
type Load = (exports: object, require: (name: string) => unknown) => void;

/** How long one test may take, in ms. */
const TEST_MS = 10_000;

const compiled = new Map<string, Load>();

function compile(path: string, text: string): Load {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  return vm.runInThisContext(`(function (exports, require) {${outputText}\n})`, { filename: path }) as Load;
}

/** What tests import of vitest; they are kept in `tests` instead of being run. */
function vitestInto(tests: [name: string, body: Body][]) {
  const each =
    (register: (name: string, body: Body) => void) =>
    (rows: readonly unknown[]) =>
    (name: string, ...rest: unknown[]): void => {
      for (const row of rows) {
        const values = Array.isArray(row) ? row : [row];
        register(format(name, ...values), () => (rest.at(-1) as Body)(...(values as never[])));
      }
    };
  const test = (name: string, ...rest: unknown[]): void => {
    tests.push([name, rest.find((part) => typeof part === 'function') as Body]);
  };
  const describe = (_name: string, body: Body): void => void body();
  return {
    expect,
    test: Object.assign(test, { each: each(test), skipIf: () => test }),
    describe: Object.assign(describe, { each: each(describe) }),
  };
}

/** What escaped from the tests that run now. */
let escaped: unknown;
const escapes = (error: unknown): void => {
  escaped ??= error ?? new Error('nothing was thrown');
};
process.on('unhandledRejection', escapes).on('uncaughtException', escapes);

/** Packages that only an `import` can load, by name. */
const PACKAGES: Readonly<Record<string, unknown>> = {
  '@noble/hashes/sha2.js': await import('@noble/hashes/sha2.js'),
  mitt: await import('mitt'),
  'fast-check': await import('fast-check'),
};

/** The tests of a file, over fresh modules, of which the one at `path` reads `text`. */
function testsOf(testFile: string, path: string, text: string): [name: string, body: Body][] {
  const tests: [string, Body][] = [];
  const vitest = vitestInto(tests);
  const modules = new Map<string, object>();
  const load = (file: string): object => {
    const known = modules.get(file);
    if (known !== undefined) return known;
    const exports = {};
    modules.set(file, exports);
    let run = file === path ? compile(file, text) : compiled.get(file);
    if (run === undefined) {
      run = compile(file, readFileSync(file, 'utf8'));
      compiled.set(file, run);
    }
    const require = createRequire(file);
    run(exports, (name) => {
      if (name === 'vitest') return vitest;
      if (name.startsWith('.')) return load(join(dirname(file), name.replace(/\.js$/, '.ts')));
      return PACKAGES[name] ?? require(name);
    });
    return exports;
  };
  load(testFile);
  return tests;
}

/**
 * Runs the tests of some files until one fails.
 *
 * @returns the name of the test that failed; undefined if none did
 */
export async function firstFailure(
  testFiles: readonly string[],
  path: string,
  text: string,
): Promise<{ file: string; test: string; error: unknown } | undefined> {
  escaped = undefined;
  for (const file of testFiles) {
    let name = 'its modules';
    try {
      const tests = testsOf(file, path, text);
      if (tests.length === 0) throw new Error(`${file} has no tests`);
      for (const [title, body] of tests) {
        name = title;
        await within(TEST_MS, body);
        if (escaped !== undefined) throw escaped;
      }
    } catch (error) {
      return { file, test: name, error };
    }
  }
  return undefined;
}

async function within(ms: number, body: Body): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`longer than ${ms} ms`)), ms);
  });
  try {
    await Promise.race([body(), late]);
  } finally {
    clearTimeout(timer);
  }
}
