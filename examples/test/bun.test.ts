// The examples that the README lists, as it starts them: `bun examples/basic.ts`.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { EXAMPLES } from './expected.ts';
import { dataFolder, type Runtime, runExample } from './run-example.ts';

const LIMIT = { timeout: 120_000 };
const bun = fileURLToPath(new URL('../node_modules/.bin/bun', import.meta.url));
const BUN: Runtime = [bun];
const NAMES = ['basic', 'dynamic', 'retry', 'pause-resume', 'aimd', 'deterministic', 'recovery'];

/** Bun itself repeats a request whose connection broke before an answer came, so that fewer retries are left to do. */
const IN_BUN: Readonly<Record<string, string>> = {
  '5 completed, 1 failed, 5 retries\n1 put back: 6 completed, 0 failed\n':
    '5 completed, 1 failed, 4 retries\n1 put back: 6 completed, 0 failed\n',
};

test('what runs the examples here is Bun', () => {
  expect(execFileSync(bun, ['-p', 'process.versions.bun'], { encoding: 'utf8' })).toMatch(
    /^\d+\.\d+\.\d+\n$/,
  );
});

describe.concurrent('examples in Bun', () => {
  test('bun-storage: it works without the package that chooses between stores', LIMIT, async () => {
    const folder = dataFolder();
    const output = await runExample('bun-storage', folder.path, [], BUN);
    folder.remove();
    expect(output).toBe('core: 4\nand: 3\nstorage: 7\nstored in bun-sqlite\n');
  });

  for (const name of NAMES) {
    test(`${name}: does what it says, and again when it is run twice`, LIMIT, async () => {
      const folder = dataFolder();
      const { first, second } = EXAMPLES[name] ?? expect.unreachable(`${name} has no expected output`);
      try {
        const output = await runExample(name, folder.path, [], BUN);
        for (const text of first) expect(output).toContain(IN_BUN[text] ?? text);
        const again = await runExample(name, folder.path, [], BUN);
        for (const text of second) expect(again).toContain(IN_BUN[text] ?? text);
      } finally {
        folder.remove();
      }
    });
  }
});
