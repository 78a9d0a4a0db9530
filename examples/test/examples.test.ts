import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { EXAMPLES } from './expected.ts';
import { dataFolder, runExample, startExample } from './run-example.ts';

const LIMIT = { timeout: 120_000 };

/** How many calls the service of the demo has answered. */
function countAnswers(folder: string): number {
  const log = join(folder, 'demo-250.log');
  return existsSync(log) ? readFileSync(log, 'utf8').split('answered').length - 1 : 0;
}

describe.concurrent('examples', () => {
  for (const [name, { first, second }] of Object.entries(EXAMPLES)) {
    test(`${name}: does what it says, and again when it is run twice`, LIMIT, async () => {
      const folder = dataFolder();
      try {
        const output = await runExample(name, folder.path);
        for (const text of first) expect(output).toContain(text);
        const again = await runExample(name, folder.path);
        for (const text of second) expect(again).toContain(text);
      } finally {
        folder.remove();
      }
    });
  }

  test('demo: killed in mid-run, it goes on, and every record is recorded once', LIMIT, async () => {
    const folder = dataFolder();
    const args = ['--records', '250', '--rps', '100'];
    try {
      const killed = startExample('demo', folder.path, args);
      while (countAnswers(folder.path) < 60) await sleep(20);
      killed.process.kill('SIGKILL');
      await killed.finished;

      const output = await runExample('demo', folder.path, args);
      expect(output).toContain('Going on: ');
      expect(output).toContain('Recorded: 250 of 250 cities, in 250 rows.');
      expect(output).toMatch(/Cities answered once: 2\d\d, /);
      expect(await runExample('demo', folder.path, args)).toContain(
        'All 250 cities are recorded already. --reset begins again.',
      );
      const reset = await runExample('demo', folder.path, ['--records', '20', '--reset']);
      expect(reset).toContain('20 cities to ask for');
    } finally {
      folder.remove();
    }
  });

  test('demo: SIGINT lets the calls on their way end, so that nothing is asked twice', LIMIT, async () => {
    const folder = dataFolder();
    const args = ['--records', '250', '--rps', '100'];
    try {
      const stopped = startExample('demo', folder.path, args);
      await stopped.printed('0/250');
      stopped.process.kill('SIGINT');
      expect(await stopped.finished).toMatchObject({
        code: 0,
        output: expect.stringMatching(
          /Stopped: \d+ of 250 cities are recorded.\nRun the same command again to go on./,
        ),
      });
      const output = await runExample('demo', folder.path, args);
      expect(output).toContain('Recorded: 250 of 250 cities, in 250 rows.');
      expect(output).toContain('Cities answered once: 250, again because a kill lost the answer: 0.');
    } finally {
      folder.remove();
    }
  });

  test('demo: an option it does not know is named, with the usage', LIMIT, async () => {
    const folder = dataFolder();
    const { code, output } = await startExample('demo', folder.path, ['--recrods', '5']).finished;
    folder.remove();
    expect(code).toBe(1);
    expect(output).toContain("Unknown option '--recrods'");
    expect(output).toContain('usage: pnpm demo');
  });
});
