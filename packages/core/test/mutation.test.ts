// The tools of `pnpm mutation`: what it changes, and that tests notice.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { mutationsOf } from './mutation/mutations.js';
import { firstFailure } from './mutation/test-bench.js';

function mutantsOf(text: string): string[] {
  const source = ts.createSourceFile('a.ts', text, ts.ScriptTarget.Latest, true);
  return mutationsOf(source).map(
    ({ start, end, text: piece }) => text.slice(0, start) + piece + text.slice(end),
  );
}

test.each([
  ['a comparison', 'x = a < b', [';', 'x = a <= b']],
  ['a sum and a number', 'let x = a + 3', ['let x = a - 3', 'let x = a + 6']],
  ['a condition', 'if (a) b', ['if (true) b', 'if (false) b', 'if (a) ;']],
  ['one of two conditions', 'let x = a && b', ['let x = (a)', 'let x = (b)']],
  ['an element', 'let x = [a, b]', ['let x = [b]', 'let x = [a]']],
  ['a word', "let x = 'retry'", ["let x = '?'"]],
  [
    'a pattern',
    'let x = /^(?:a|b)$/i',
    [
      'let x = /(?:a|b)$/i',
      'let x = /^(?:b)$/i',
      'let x = /^(?:a)$/i',
      'let x = /^(?:a|b)/i',
      'let x = /^(?:a|b)$/',
    ],
  ],
  ['no type, no import, no text for people', "import a from 'b'; type C = 1; let x = 'Try it again.'", []],
])('mutations: %s is changed', (_, text, mutants) => expect(mutantsOf(text)).toEqual(mutants));

test('mutations: a change that matters fails a test, and the source as it is none', async () => {
  const [file, tests] = ['../src/backoff.ts', './backoff.test.ts'].map((name) =>
    fileURLToPath(new URL(name, import.meta.url)),
  ) as [string, string];
  const text = readFileSync(file, 'utf8');
  expect(await firstFailure([tests], file, text)).toBeUndefined();
  const mutant = text.replace('attempt - 1', 'attempt + 1');
  expect(await firstFailure([tests], file, mutant)).toMatchObject({ file: tests });
});
