// A few rows first: `--sample`, `--dry-run`, `--until`, `--order none`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseEvenly } from '../src/sample.ts';
import { csv, Folder, parseLines, people } from './cli.ts';
import { jobFor, service } from './service.ts';

const RUN = ['run', 'job.ts', '--in', 'people.csv', '--out', 'results.jsonl'];

async function atWork(count: number, options: Parameters<typeof service>[0] = {}) {
  const api = await service(options);
  return { api, folder: new Folder({ 'job.ts': jobFor(api), 'people.csv': csv(people(count)) }) };
}

describe('chooseEvenly', () => {
  async function* numbers(count: number): AsyncGenerator<number> {
    for (let n = 0; n < count; n++) yield n;
  }

  test.each([
    [0, 5],
    [3, 5],
    [5, 5],
    [6, 5],
    [39, 5],
    [40, 5],
    [1000, 20],
    [100_000, 20],
  ])('of %i rows gives %i at most, in order, about equally far apart', async (count, wanted) => {
    const { chosen, total } = await chooseEvenly(numbers(count), wanted);
    expect(total).toBe(count);
    expect(chosen).toHaveLength(Math.min(count, wanted));
    const distances = chosen.slice(1).map((n, at) => n - (chosen[at] as number));
    for (const distance of distances) {
      expect(distance).toBeGreaterThan(0);
      expect(distance).toBeLessThanOrEqual(Math.ceil((count / wanted) * 1.5));
    }
  });
});

test('--sample: runs evenly chosen rows, says what they took and what the whole would take', async () => {
  const { folder, api } = await atWork(1000);
  const { code, err } = await folder.run(...RUN, '--sample', '20');
  expect(code).toBe(0);
  expect(api.stats().answered).toBe(20);
  expect(err).toContain('sample of 20 of 1,000 rows: 20 completed');
  expect(err).toMatch(/a call took +\d/);
  expect(err).toContain('{"id":"0","name":"person 0"} → {"record":"0","name":"person 0"}');
  expect(err).toMatch(/forecast +1,000 rows take/);
  expect(existsSync(join(folder.path, 'results.jsonl'))).toBe(false);
});

test('--sample: the whole run keeps its results and calls nothing twice', async () => {
  const { folder, api } = await atWork(100);
  await folder.run(...RUN, '--sample', '20');
  const { code, err } = await folder.run(...RUN);
  expect(code).toBe(0);
  expect(err).not.toContain('other data');
  expect(folder.rows('results.jsonl')).toHaveLength(100);
  expect([...api.stats().fetches.values()]).toEqual(Array(100).fill(1));
  const tasks = JSON.parse((await folder.run('list', '--json')).out) as { name: string }[];
  expect(tasks.map(({ name }) => name)).toEqual(['people']);
});

test('--sample --json: gives the report as data', async () => {
  const folder = new Folder({
    'job.mjs': `export default { name: 'odd', handler: (row) => { if (row.id % 2) throw new Error('odd'); return 1; } };`,
    'people.csv': csv(people(400)),
  });
  const { code, out } = await folder.run('run', 'job.mjs', '--in', 'people.csv', '--sample', '30', '--json');
  const report = JSON.parse(out) as { completed: number; failed: number; forecast: { failed: number } };
  expect(report).toMatchObject({ rows: 30, total: 400 });
  expect(report.completed + report.failed).toBe(30);
  expect(report.forecast.failed).toBe(Math.round((report.failed / 30) * 400));
  expect(code).toBe(report.failed > 0 ? 1 : 0);
});

test('--dry-run: says what a run would do, calls nothing and keeps nothing', async () => {
  const { folder, api } = await atWork(50);
  const first = await folder.run(...RUN, '--dry-run');
  expect([first.code, first.err]).toEqual([0, expect.stringContaining('people: 50 rows')]);
  expect(existsSync(join(folder.path, 'taskhub.db'))).toBe(false);
  await folder.run(...RUN);
  expect((await folder.run(...RUN, '--dry-run')).err).toContain('a run would go on with 0 of 50');
  folder.write('people.csv', csv([...people(49), { id: '100', name: 'new' }, { id: '100', name: 'new' }]));
  const { out, err } = await folder.run(...RUN, '--dry-run', '--json');
  expect(err).toContain('1 new, 1 removed, 49 unchanged');
  expect(JSON.parse(out)).toMatchObject({ total: 50, duplicates: 1, changes: { added: 1, removed: 1 } });
  expect(api.stats().requests).toBe(50);
  expect(JSON.parse((await folder.run('list', '--json')).out)).toHaveLength(1);
});

test('--order none: writes rows as they come, those of earlier runs as well, and each once', async () => {
  const { folder, api } = await atWork(300, { rps: 150 });
  const killed = folder.start(...RUN, '--order', 'none');
  while (api.stats().answered < 100) await new Promise((resolve) => setTimeout(resolve, 10));
  killed.process.kill('SIGKILL');
  await killed.ended;
  const { code, out } = await folder.run(...RUN.slice(0, 4), '--out', '-', '--order', 'none');
  expect(code).toBe(0);
  const ids = parseLines(out).map((row) => Number((row as { input: { id: string } }).input.id));
  expect(ids.toSorted((a, b) => a - b)).toEqual(people(300).map(({ id }) => Number(id)));
});

test('--until: ends in good order when the time is up, with exit code 3', async () => {
  const { parseUntil } = await import('../src/options.ts');
  expect(parseUntil('06:00', new Date(2026, 0, 5, 5, 59, 30))).toBe(30_000);
  expect(parseUntil('06:00', new Date(2026, 0, 5, 6, 0, 0))).toBe(24 * 3600 * 1000);
  expect(() => parseUntil('24:00')).toThrow('06:00');
});
