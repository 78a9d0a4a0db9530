import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { dataFolder, runExample, startExample } from './run-example.ts';

const LIMIT = { timeout: 120_000 };

/** What an example prints in the first run and in the second; texts that its output holds. */
const EXAMPLES: Record<string, { first: string[]; second: string[] }> = {
  'quick-start': {
    first: ['0/3 (concurrency: 5)\n', '3/3 (concurrency: 5)\n', "input: 'item3',", 'output: 5,'],
    second: ['3/3 (concurrency: 5)\n', "input: 'item3',", 'output: 5,'],
  },
  job: {
    first: ['ran: 3,', 'adaptive 8\ndurable 7\nbatch 5\n'],
    second: ['ran: 0,', 'adaptive 8\ndurable 7\nbatch 5\n'],
  },
  basic: {
    first: ['4 of 4 done, 4 of them in this run\nadaptive: 8 letters\ndurable: 7 letters\n', 'calls: 4\n'],
    second: ['4 of 4 done, 0 of them in this run\nadaptive: 8 letters\ndurable: 7 letters\n', 'calls: 0\n'],
  },
  dynamic: {
    first: ['page 5: 20 items\n', '100 items, 100 of them in this run\nsum of squares: 338350\n'],
    second: ['page 5: 20 items\n', '100 items, 0 of them in this run\nsum of squares: 338350\n'],
  },
  retry: {
    first: [
      'Atlantis: given up, HTTP 404 Not Found',
      '5 completed, 1 failed, 5 retries\n1 put back: 6 completed, 0 failed\n',
    ],
    second: ['5 completed, 1 failed, 5 retries\n1 put back: 6 completed, 0 failed\n'],
  },
  'pause-resume': {
    first: [
      'status: paused\ncalls during the pause: 0\nstatus: running\n',
      'status: paused, the run ended as paused\nstatus: completed, 120 of 120 completed, 0 failed\n',
    ],
    second: ['calls during the pause: 0\n', 'status: completed, 120 of 120 completed, 0 failed\n'],
  },
  aimd: {
    first: ['refused: admits ', '300 of 300 completed, 0 failed\n'],
    second: ['300 of 300 completed, 0 failed\n'],
  },
  deterministic: {
    first: [
      'first: 3 ran, root 072ee5940787a679…\nsame task: true, created: false, status: completed\n',
      'root known before: true\nfound by root: upper-case\n',
      'more: 4 jobs, 3 reused, 1 ran\nadded: 54e1d6ea447ce30b…\n',
    ],
    second: ['first: 0 ran, root 072ee5940787a679…\n', 'more: 4 jobs, 3 reused, 0 ran\n'],
  },
  recovery: {
    first: ['300 of 300 recorded, status completed\n'],
    second: ['300 of 300 recorded, status completed\n'],
  },
  'llm-overnight': {
    first: ['100 of 100 answered, 0 failed, 2092 tokens\n', '7 errors\n'],
    second: ['100 of 100 answered, 0 failed, 2092 tokens\nthis run: 0 calls, 0 refused, 0 errors\n'],
  },
  'rpc-endpoints': {
    first: ['60 balances, 60 in this run, 0 failed, sum 1830 finney\nrefused and asked again: 7\n'],
    second: ['60 balances, 0 in this run, 0 failed, sum 1830 finney\nrefused and asked again: 0\n'],
  },
  'back-office': {
    first: ['40 of 40 invoices charged, 40 in this run, 0 failed\n', '51 requests, 40 charges, 820 in all\n'],
    second: ['40 of 40 invoices charged, 0 in this run, 0 failed\n0 requests, '],
  },
  reference: {
    first: ['99 completed, 1 failed\n', '5: Error after 1 attempt\n', '\n2\n4\n6\nCannot create "'],
    second: ['99 completed, 1 failed\n', '3 tasks looked at\n'],
  },
  'core-and-storage': {
    first: ['core: 4\nand: 3\nstorage: 7\n'],
    second: ['core: 4\nand: 3\nstorage: 7\n'],
  },
  scraper: {
    first: ['60 of 60 pages read, 60 in this run\n'],
    second: ['60 of 60 pages read, 0 in this run\n'],
  },
  outbox: {
    first: ['offline: HALTED, 0 sent, 0 failed\nonline: 3 sent now, 3 of 3 in all, 3 calls\n'],
    second: ['offline: HALTED, 3 sent, 0 failed\nonline: 3 sent now, 6 of 6 in all, 3 calls\n'],
  },
};

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
