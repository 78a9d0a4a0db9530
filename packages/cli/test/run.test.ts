// `taskhub run`: from a file and a function to results.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { csv, Folder, people } from './cli.ts';
import { jobFor, service } from './service.ts';

const RUN = ['run', 'job.ts', '--in', 'people.csv', '--out', 'results.jsonl'];
const results = (rows: readonly { id: string; name: string }[]) =>
  rows.map((input) => ({ input, output: { record: input.id, name: input.name } }));

async function atWork(count: number, options: Parameters<typeof service>[0] = {}, jobOptions = '') {
  const api = await service(options);
  const rows = people(count);
  return { api, rows, folder: new Folder({ 'job.ts': jobFor(api, jobOptions), 'people.csv': csv(rows) }) };
}

test('run: writes a row with its result for each row, in the order of the input', async () => {
  const { folder, rows, api } = await atWork(300, { rps: 400 });
  const { code, out, err } = await folder.run(...RUN);
  expect([code, out]).toEqual([0, '']);
  expect(err).toContain('300 of 300 rows done: 300 completed, 0 failed');
  expect(folder.rows('results.jsonl')).toEqual(results(rows));
  expect(api.stats().answered).toBe(300);
});

test('run: a second run calls nothing, says so, and writes the same file', async () => {
  const { folder, api } = await atWork(50);
  await folder.run(...RUN);
  const first = folder.read('results.jsonl');
  const { code, err } = await folder.run(...RUN);
  expect(code).toBe(0);
  expect(err).toContain('resumed 50 of 50');
  expect(folder.read('results.jsonl')).toBe(first);
  expect(api.stats().requests).toBe(50);
});

test('run: goes on after SIGKILL, and leaves no temporary file of the killed run', async () => {
  const { folder, rows, api } = await atWork(400, { rps: 150 });
  const killed = folder.start(...RUN);
  while (api.stats().answered < 100) await new Promise((resolve) => setTimeout(resolve, 10));
  killed.process.kill('SIGKILL');
  expect((await killed.ended).signal).toBe('SIGKILL');
  expect(existsSync(join(folder.path, 'results.jsonl'))).toBe(false);
  const { code, err } = await folder.run(...RUN);
  expect(code).toBe(0);
  expect(err).toMatch(/resumed \d+ of 400/);
  expect(folder.rows('results.jsonl')).toEqual(results(rows));
  expect(api.stats().answered).toBeLessThan(460);
  expect(readdirSync(folder.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

describe('signals', () => {
  test('run: the first Ctrl-C lets calls end, and the next run repeats none', async () => {
    const { folder, rows, api } = await atWork(300, { rps: 150, latency: { median: 100, spread: 0.1 } });
    const run = folder.start(...RUN);
    while (api.stats().answered < 50) await new Promise((resolve) => setTimeout(resolve, 10));
    run.process.kill('SIGINT');
    const { code, err } = await run.ended;
    expect(code).toBe(130);
    expect(err).toContain('Run the same command again to go on.');
    expect(existsSync(join(folder.path, 'results.jsonl'))).toBe(false);
    expect((await folder.run(...RUN)).code).toBe(0);
    expect(folder.rows('results.jsonl')).toEqual(results(rows));
    expect([...api.stats().fetches.values()].every((times) => times === 1)).toBe(true);
  });

  test('run: a second Ctrl-C aborts the calls', async () => {
    const { folder, api } = await atWork(20, { latency: { median: 60_000, spread: 0 } }, 'timeout: 90_000');
    const run = folder.start(...RUN, '--grace', '60s');
    while (api.stats().inFlight < 5) await new Promise((resolve) => setTimeout(resolve, 10));
    run.process.kill('SIGINT');
    await run.says('Stopping');
    await new Promise((resolve) => setTimeout(resolve, 350)); // sooner, it would be the same one
    const before = performance.now();
    run.process.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
    expect(performance.now() - before).toBeLessThan(3000);
  });

  test('run: SIGTERM with calls that outlast --grace ends when it is over', async () => {
    const { folder, api } = await atWork(20, { latency: { median: 60_000, spread: 0 } }, 'timeout: 90_000');
    const run = folder.start(...RUN, '--grace', '200ms');
    while (api.stats().inFlight < 5) await new Promise((resolve) => setTimeout(resolve, 10));
    const before = performance.now();
    run.process.kill('SIGTERM');
    expect((await run.ended).code).toBe(130);
    expect(performance.now() - before).toBeLessThan(3000);
  });
});

describe('exit codes', () => {
  const failing = (rule: string): string => `export default {
    name: 'failing',
    handler(row) { if (${rule}) throw new Error('bad row ' + row.id); return row.id; },
  };`;
  const folderOf = (rule: string, count = 100) =>
    new Folder({ 'job.mjs': failing(rule), 'people.csv': csv(people(count)) });
  const runMjs = ['run', 'job.mjs', '--in', 'people.csv', '--out', 'results.jsonl'];

  test('1: some rows failed; they are in the output with their error', async () => {
    const folder = folderOf('row.id === "7"');
    const { code, err } = await folder.run(...runMjs);
    expect(code).toBe(1);
    expect(err).toContain('99 completed, 1 failed');
    expect(folder.rows('results.jsonl')[7]).toMatchObject({
      input: { id: '7' },
      error: { name: 'Error', message: 'bad row 7' },
    });
  });

  test('3: halted by itself when the first 20 rows all fail, with nothing written', async () => {
    const folder = folderOf('true');
    const { code, err } = await folder.run(...runMjs, '--concurrency', '1');
    expect(code).toBe(3);
    expect(err).toContain('20 of 100 rows done: 0 completed, 20 failed');
    expect(existsSync(join(folder.path, 'results.jsonl'))).toBe(false);
  });

  test('--halt never: goes on whatever fails', async () => {
    const { code, err } = await folderOf('true').run(...runMjs, '--halt', 'never');
    expect(code).toBe(1);
    expect(err).toContain('100 failed');
  });

  test('--halt failures=3: ends after the third', async () => {
    const folder = folderOf('row.id % 10 === 0');
    const { code, err } = await folder.run(...runMjs, '--halt', 'failures=3', '--concurrency', '1');
    expect(code).toBe(3);
    expect(err).toContain('18 completed, 3 failed');
  });

  test('3: halted at the first result that cannot be stored, which stays to be done', async () => {
    const folder = new Folder({
      'job.mjs': 'export default { name: "big", handler: (row) => row.id === "3" ? 10n : row.id };',
      'people.csv': csv(people(30)),
    });
    const { code, err } = await folder.run(...runMjs, '--concurrency', '1');
    expect(code).toBe(3);
    expect(err).toContain('output is a BigInt');
    folder.write('job.mjs', 'export default { name: "big", handler: (row) => row.id };');
    expect((await folder.run(...runMjs)).code).toBe(0);
    expect(folder.rows('results.jsonl')).toHaveLength(30);
  });

  test('3: the database was deleted while the run went on', async () => {
    const { folder, api } = await atWork(2000, { rps: 300 });
    const run = folder.start(...RUN);
    while (api.stats().answered < 50) await new Promise((resolve) => setTimeout(resolve, 10));
    for (const end of ['', '-wal', '-shm']) rmSync(join(folder.path, `taskhub.db${end}`));
    const { code, err } = await run.ended;
    expect([code, err]).toEqual([3, expect.stringContaining('The run ended early.')]);
    expect(existsSync(join(folder.path, 'results.jsonl'))).toBe(false);
  });

  test('2: an unknown option, and a value that no option takes', async () => {
    const folder = folderOf('false');
    for (const wrong of [
      ['--frsh'],
      ['--concurrency', '0'],
      ['--timeout', '30'],
      ['--halt', 'x'],
      ['--until', '25:00'],
    ]) {
      const { code, err } = await folder.run(...runMjs, ...wrong);
      expect([wrong, code]).toEqual([wrong, 2]);
      expect(err).toContain(wrong[0]);
    }
  });

  test('0: --help lists the exit codes', async () => {
    const { code, out } = await new Folder().run('--help');
    expect(code).toBe(0);
    expect(out).toMatch(/130 +interrupted/);
  });
});

describe('other data and other code', () => {
  test('run: of another file, only new and changed rows are run; --key tells which are the same row', async () => {
    const { folder, rows, api } = await atWork(100);
    await folder.run(...RUN);
    const changed = rows.map((row) => (Number(row.id) < 10 ? { ...row, name: `${row.name}!` } : row));
    folder.write('people.csv', csv([...changed.slice(0, 95), ...people(7, 1000)]));
    const { code, err } = await folder.run(...RUN, '--key', 'id');
    expect(code).toBe(0);
    expect(err).toContain('7 new, 10 changed, 5 removed, 85 unchanged; 85 results are kept');
    expect(api.stats().answered).toBe(117);
    expect(folder.rows('results.jsonl')).toHaveLength(102);
  });

  test('run: without --key a changed row is one removed and one new', async () => {
    const { folder, rows } = await atWork(20);
    await folder.run(...RUN);
    folder.write('people.csv', csv([{ id: '0', name: 'changed' }, ...rows.slice(1)]));
    expect((await folder.run(...RUN)).err).toContain('1 new, 1 removed, 19 unchanged');
  });

  test('run: another version of the job is refused with the choices, and nothing is called', async () => {
    const { folder, api } = await atWork(20);
    await folder.run(...RUN, '--version', '1');
    folder.write('people.csv', csv(people(25)));
    const refused = await folder.run(...RUN, '--version', '2');
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(/made by version 1.*version 2[\s\S]*--fresh[\s\S]*--version 1[\s\S]*--db/);
    expect(api.stats().requests).toBe(20);
    expect((await folder.run(...RUN, '--version', '1')).code).toBe(0);
    expect(api.stats().requests).toBe(25);
    expect((await folder.run(...RUN, '--version', '2', '--fresh')).code).toBe(0);
    expect(api.stats().requests).toBe(50);
  });

  test('run: data of an older task is not taken under another version', async () => {
    const { folder, api } = await atWork(20);
    const first = folder.read('people.csv');
    await folder.run(...RUN, '--version', '1');
    folder.write('people.csv', csv(people(30)));
    await folder.run(...RUN, '--version', '2', '--fresh');
    folder.write('people.csv', first);
    const { code, err } = await folder.run(...RUN, '--version', '2');
    expect([code, api.stats().requests]).toEqual([2, 50]);
    expect(err).toContain('made by version 1');
  });
});
