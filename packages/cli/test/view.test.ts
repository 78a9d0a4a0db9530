// What a person sees of a run.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import picocolors from 'picocolors';
import { describe, expect, test } from 'vitest';
import { duration, fit, oneLine, percent, width } from '../src/text.ts';
import { type Frame, renderFrame, renderLine, sparkline } from '../src/view/frame.ts';
import { csv, Folder, people, start } from './cli.ts';
import { jobFor, service } from './service.ts';

const FRAME: Frame = {
  name: 'cities',
  total: 20_000,
  completed: 10_453,
  failed: 7,
  active: 12,
  rate: 118.4,
  remaining: 81_000,
  elapsed: 88_000,
  concurrency: 14,
  history: [1, 2, 4, 8, 16, 8, 12, 14],
  refusals: 31,
  retries: 112,
  kinds: [
    { kind: 'HTTP_ERROR 404', count: 5, row: 3, message: 'not found' },
    { kind: 'JOB_TIMEOUT', count: 2, row: 9, message: 'too slow' },
  ],
  why: 'the service refuses more than 120 calls per second',
  errors: [
    'row 10,211: HTTP 404 Not Found from https://api.example.com/cities/10210?with=a&very=long&query=string',
  ],
  note: undefined,
};
const plain = picocolors.createColors(false);

describe('renderFrame', () => {
  test('shows progress, speed, concurrency, trouble, kinds of failures and the last errors', () => {
    expect(renderFrame(FRAME, 80, plain)).toEqual([
      'cities  ━━━━━━━━━━━━━━━━━━━━━━━──────────────────────  52.3 %  10,460 of 20,000',
      'speed        118/s, 1 min 21 s to go, 1 min 28 s so far',
      'concurrency  ▁▂▃▅█▅▆▇  14 at once, 12 running',
      '             the service refuses more than 120 calls per second',
      'trouble      31 refused, 112 tried again, 7 failed',
      'failures     5 × HTTP_ERROR 404, 2 × JOB_TIMEOUT',
      'last errors  row 10,211: HTTP 404 Not Found from https://api.example.com/citie…',
    ]);
  });

  test('no line is wider than the terminal, whatever it holds', () => {
    const wide: Frame = {
      ...FRAME,
      name: '都市の一覧と天気'.repeat(3),
      errors: ['é漢字😀'.repeat(60)],
      history: Array.from({ length: 200 }, (_, at) => at),
      kinds: Array.from({ length: 9 }, (_, at) => ({
        kind: `エラー ${at}`,
        count: 1e6,
        row: 1,
        message: '',
      })),
    };
    for (const columns of [25, 40, 79, 80, 81, 120, 200]) {
      for (const line of renderFrame(wide, columns, picocolors.createColors(true))) {
        expect(width(stripVTControlCharacters(line)), `${columns}: ${line}`).toBeLessThan(columns);
      }
    }
  });

  test('what is not known is not shown', () => {
    const unknown = {
      ...FRAME,
      rate: null,
      remaining: null,
      concurrency: null,
      refusals: null,
      retries: null,
    };
    const lines = renderFrame({ ...unknown, history: [], why: undefined }, 80, plain);
    expect(lines.slice(1, 4)).toEqual([
      'speed        –, 1 min 28 s so far',
      'concurrency  12 at once',
      'trouble      7 failed',
    ]);
  });
});

test('renderLine: the same on one line', () => {
  expect(renderLine(FRAME)).toBe(
    '10,460 of 20,000 (52.3 %), 118/s, concurrency 14, 31 refused, 7 failed, 1 min 21 s to go',
  );
});

test('text: numbers, times and pieces', () => {
  expect([0, 999, 1000, 59_400, 60_000, 3_599_000, 7_260_000, 200_000_000].map(duration)).toEqual([
    '0 ms',
    '999 ms',
    '1.0 s',
    '59 s',
    '1 min 0 s',
    '59 min 59 s',
    '2 h 1 min',
    '2 d 7 h',
  ]);
  expect([percent(0, 0), percent(1, 3000), percent(2999, 3000), percent(3, 3)]).toEqual([
    '100.0 %',
    '0.0 %',
    '99.9 %',
    '100.0 %',
  ]);
  expect([fit('漢字漢字', 5), fit('abc', 3), fit('abcd', 3), fit('abc', 0)]).toEqual([
    '漢字…',
    'abc',
    'ab…',
    '',
  ]);
  expect(oneLine('a\u001b[31m\nb\t c\u0007')).toBe('a b c');
  expect(sparkline([0, 5, 10], 2)).toBe('▅█');
});

const SCRIPT = '/usr/bin/script';
describe.runIf(existsSync(SCRIPT))('on a terminal', () => {
  const onTerminal = async (variables: string): Promise<string> => {
    const api = await service({ rps: 100 });
    const folder = new Folder({ 'job.ts': jobFor(api), 'people.csv': csv(people(300)) });
    const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
    const run = `${variables} ${process.execPath} ${bin} run job.ts --in people.csv --out results.jsonl`;
    const { code, out } = await start(
      SCRIPT,
      ['-qec', `stty rows 24 columns 100; ${run}`, '/dev/null'],
      folder.path,
    ).ended;
    expect([code, folder.rows('results.jsonl').length]).toEqual([0, 300]);
    return out;
  };

  test('the view is written anew in place, in colours', async () => {
    const out = await onTerminal('env -u NO_COLOR TERM=xterm');
    expect(out).toContain('━━━');
    expect(out).toContain('\u001b[32m');
    expect(out).toMatch(/concurrency.*at once/);
    // Cursor up, or lines erased: otherwise each state would stay.
    expect(out).toContain('\u001b[1A');
  });

  test('NO_COLOR: without colours', async () => {
    const out = await onTerminal('NO_COLOR=1 TERM=xterm');
    expect(out).toContain('━━━');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what a colour is
    expect(out).not.toMatch(/\u001b\[[0-9;]*m/);
  });
});
