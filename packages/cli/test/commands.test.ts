// The commands that look into tasks, also while another process runs them.
import { describe, expect, test } from 'vitest';
import { csv, Folder, parseLines, people } from './cli.ts';
import { service } from './service.ts';

const JOB = `export default {
  name: 'mixed',
  handler(row) {
    const n = Number(row.id);
    if (n % 10 === 1) throw Object.assign(new Error('no person ' + row.id), { status: 404 });
    if (n % 10 === 2) throw new TypeError('bad name of ' + row.id);
    return { n };
  },
};`;
const RUN = ['run', 'job.mjs', '--in', 'people.csv'];

/** 100 rows: 80 completed, 10 failed with 404, 10 with a TypeError. */
async function mixed(): Promise<Folder> {
  const folder = new Folder({ 'job.mjs': JOB, 'people.csv': csv(people(100)) });
  expect((await folder.run(...RUN)).code).toBe(1);
  return folder;
}

test('list: shows name, status and numbers of every task', async () => {
  const folder = await mixed();
  const { code, out } = await folder.run('list');
  expect(code).toBe(0);
  expect(out).toMatch(/^NAME .*\nmixed +[0-9a-f]{8} +completed +100 +20 +100 /);
  const { out: json } = await folder.run('list', '--json');
  expect(JSON.parse(json)).toMatchObject([{ name: 'mixed', totalJobs: 100, failedJobs: 20 }]);
});

test('status: shows how far a task is, by name, by the beginning of its id, or the newest', async () => {
  const folder = await mixed();
  const { out } = await folder.run('status', '--json');
  const { id } = JSON.parse(out) as { id: string };
  for (const task of ['mixed', id, id.slice(0, 6)]) {
    const found = await folder.run('status', task, '--json');
    expect(JSON.parse(found.out)).toMatchObject({ id, completed: 80, failed: 20, pending: 0, workers: 0 });
  }
  expect((await folder.run('status', 'mixed')).out).toContain(
    '100: 80 completed, 20 failed, 0 running, 0 to do',
  );
});

describe('failures and retry', () => {
  test('failures: gives row, input and error of each', async () => {
    const folder = await mixed();
    const { out } = await folder.run('failures', 'mixed', '--json');
    const rows = parseLines(out);
    expect(rows).toHaveLength(20);
    expect(rows[0]).toMatchObject({
      row: 2,
      input: { id: '1', name: 'person 1' },
      failure: { name: 'Error', message: 'no person 1', status: 404 },
      attempts: 1,
    });
    expect((await folder.run('failures', 'mixed')).out).toMatch(/^row 2 .*no person 1/);
  });

  test('failures --group: counts them by kind, whatever numbers their messages hold', async () => {
    const folder = await mixed();
    const { out } = await folder.run('failures', 'mixed', '--group', '--json');
    expect(JSON.parse(out)).toEqual([
      { kind: 'Error 404', count: 10, row: 2, message: 'no person 1' },
      { kind: 'TypeError: bad name of N', count: 10, row: 3, message: 'bad name of 2' },
    ]);
    expect((await folder.run('failures', '--group')).out).toContain('TypeError: bad name of N');
  });

  test('retry --where: puts back what it says, and the next run runs only that', async () => {
    const folder = await mixed();
    const { out, err } = await folder.run('retry', 'mixed', '--where', 'status=404', '--json');
    expect(JSON.parse(out)).toMatchObject({ name: 'mixed', reset: 10 });
    expect(err).toContain('10 failed rows of mixed put back');
    folder.write('job.mjs', JOB.replace('=== 1)', '=== 11)'));
    const { code, err: again } = await folder.run(...RUN);
    expect(code).toBe(1);
    expect(again).toContain('90 completed, 10 failed; 10 ran');
    expect((await folder.run('retry', 'mixed')).err).toContain('10 failed rows of mixed put back');
  });
});

test('export: writes what is there as JSONL or CSV, to a file or to standard output', async () => {
  const folder = await mixed();
  const { out } = await folder.run('export', 'mixed');
  expect(parseLines(out)).toHaveLength(100);
  expect(parseLines(out)[1]).toMatchObject({ input: { id: '1' }, error: { status: 404 } });
  await folder.run('export', 'mixed', '--out', 'results.csv');
  const lines = folder.read('results.csv').split('\n');
  expect(lines.slice(0, 3)).toEqual(['id,name,n,error', '0,person 0,0,', '1,person 1,,no person 1']);
  expect(lines).toHaveLength(102);
});

test('diff: counts how two tasks differ, with and without a key', async () => {
  const folder = await mixed();
  const { id } = JSON.parse((await folder.run('status', '--json')).out) as { id: string };
  folder.write('people.csv', csv([{ id: '0', name: 'another' }, ...people(100, 1)]));
  await folder.run(...RUN);
  expect((await folder.run('diff', id, 'mixed')).out).toBe('2 new, 1 removed, 99 unchanged\n');
  const { out } = await folder.run('diff', id, 'mixed', '--key', 'id', '--json');
  expect(JSON.parse(out)).toMatchObject({ added: 1, changed: 1, removed: 0, unchanged: 99 });
});

test('delete: removes a task with its results', async () => {
  const folder = await mixed();
  expect((await folder.run('delete', 'mixed')).err).toContain('is deleted');
  expect(JSON.parse((await folder.run('list', '--json')).out)).toEqual([]);
});

test('init: writes a job file that runs, and overwrites none', async () => {
  const api = await service();
  const folder = new Folder({ 'people.csv': csv(people(3)) });
  for (const file of ['job.ts', 'job.mjs']) {
    expect((await folder.run('init', file)).code).toBe(0);
    folder.write(file, folder.read(file).replace('https://example.com/', `${api.url}/`));
    expect((await folder.run('run', file, '--in', 'people.csv', '--db', `${file}.db`)).code).toBe(0);
    expect((await folder.run('init', file)).code).toBe(2);
  }
  expect(api.stats().answered).toBe(6);
});

test('a task or a database that is not there: says what there is, and makes none', async () => {
  const folder = await mixed();
  const missing = await folder.run('status', 'other');
  expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('There are: mixed.')]);
  const { code, err } = await folder.run('list', '--db', 'other.db');
  expect([code, err]).toEqual([2, expect.stringContaining('There is no database other.db')]);
});
