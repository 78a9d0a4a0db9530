// `taskhub run` with what cannot be used: said with its place, and before anything is sent.
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { csv, Folder, people } from './cli.ts';
import { jobFor, service } from './service.ts';

const ECHO = "export default { name: 'echo', handler: (row) => row };";
const RUN = ['run', 'job.mjs', '--in', 'rows.jsonl', '--out', 'results.jsonl'];

describe('rows', () => {
  test('that cannot be read are listed with line and piece, also in rejects.jsonl, and nothing is sent', async () => {
    const api = await service();
    const folder = new Folder({
      'job.ts': jobFor(api),
      'rows.jsonl': '{"id":"1"}\n{"id":}\n{"id":"3"}\n{"id":',
    });
    const { code, err } = await folder.run('run', 'job.ts', '--in', 'rows.jsonl', '--out', 'results.jsonl');
    expect(code).toBe(2);
    expect(err).toContain('2 rows cannot be used, so nothing was sent.');
    expect(err).toMatch(/line 2 is not JSON.*: \{"id":\}/);
    expect(err).toMatch(/line 4 .*cut off/);
    expect(folder.rows('rejects.jsonl')).toMatchObject([{ line: 2, piece: '{"id":}' }, { line: 4 }]);
    expect([api.stats().requests, existsSync(join(folder.path, 'results.jsonl'))]).toEqual([0, false]);
  });

  test('--skip-invalid: goes on without them, and says how many they are', async () => {
    const folder = new Folder({ 'job.mjs': ECHO, 'rows.jsonl': '1\nx\n3\n' });
    const { code, err } = await folder.run(...RUN, '--skip-invalid');
    expect(code).toBe(0);
    expect(err).toContain('1 invalid row left out, see rejects.jsonl');
    expect(folder.rows('results.jsonl')).toEqual([
      { input: 1, output: 1 },
      { input: 3, output: 3 },
    ]);
  });

  test('that the schema of the job does not take are listed; the handler gets what it makes of the others', async () => {
    const job = `
      const number = { '~standard': { version: 1, vendor: 'test', validate: async (row) =>
        Number(row.id) >= 0 ? { value: { id: Number(row.id) } }
          : { issues: [{ message: 'must be a number', path: ['id'] }] } } };
      export default { name: 'typed', input: number, handler: ({ id }) => id + 1 };`;
    const folder = new Folder({ 'job.mjs': job, 'rows.csv': 'id\n1\nx\n3\n' });
    const run = ['run', 'job.mjs', '--in', 'rows.csv', '--out', 'results.jsonl'];
    const { code, err } = await folder.run(...run);
    expect([code, err]).toEqual([2, expect.stringContaining('line 3 id: must be a number')]);
    expect(folder.rows('rejects.jsonl')).toEqual([
      { line: 3, reason: 'id: must be a number', input: { id: 'x' } },
    ]);
    expect((await folder.run(...run, '--skip-invalid')).code).toBe(0);
    expect(folder.rows('results.jsonl')[1]).toEqual({ input: { id: 3 }, output: 4 });
  });

  test('whose result the output schema of the job does not take have failed', async () => {
    const job = `
      export const output = { '~standard': { version: 1, vendor: 'test', validate: (value) =>
        value > 1 ? { value } : { issues: [{ message: 'is too small' }] } } };
      export default { name: 'checked', handler: (row) => row };`;
    const folder = new Folder({ 'job.mjs': job, 'rows.jsonl': '1\n2\n' });
    expect((await folder.run(...RUN)).code).toBe(1);
    expect(folder.rows('results.jsonl')).toMatchObject([
      { error: { code: 'OUTPUT_INVALID' } },
      { output: 2 },
    ]);
  });

  test('that are there twice are run once, and counted', async () => {
    const folder = new Folder({ 'job.mjs': ECHO, 'rows.jsonl': '{"a":1,"b":2}\n{"b":2,"a":1}\n3\n3\n3\n' });
    const { code, err } = await folder.run(...RUN);
    expect([code, err]).toEqual([
      0,
      expect.stringContaining('echo: 2 rows in rows.jsonl (3 repeats skipped)'),
    ]);
    expect(folder.rows('results.jsonl')).toHaveLength(2);
  });

  test('of 100 MB on one line are refused in bounded memory', async () => {
    const folder = new Folder({ 'job.mjs': ECHO });
    const file = openSync(join(folder.path, 'rows.jsonl'), 'w');
    writeSync(file, '1\n"');
    for (let at = 0; at < 100; at++) writeSync(file, 'x'.repeat(1 << 20));
    writeSync(file, '"\n2\n');
    closeSync(file);
    const { code, err } = await folder.run(...RUN);
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/line 2 is 104857602 bytes long; a row has at most/),
    ]);
    expect((await folder.run(...RUN, '--skip-invalid')).code).toBe(0);
    expect(folder.rows('results.jsonl')).toHaveLength(2);
  });

  test('an empty file is no error: there is nothing to do', async () => {
    const folder = new Folder({ 'job.mjs': ECHO, 'rows.jsonl': '' });
    const { code, err } = await folder.run(...RUN);
    expect([code, err]).toEqual([0, expect.stringContaining('There are no rows: nothing to do.')]);
    expect(folder.read('results.jsonl')).toBe('');
  });
});

describe('files', () => {
  const folderOf = (job = ECHO) => new Folder({ 'job.mjs': job, 'rows.jsonl': '1\n' });

  test.each([
    ['an input that is not there', ['run', 'job.mjs', '--in', 'no.jsonl'], 'There is no file no.jsonl.'],
    ['an input that is a folder', ['run', 'job.mjs', '--in', '.', '--format', 'csv'], 'is a folder'],
    ['an input of unknown format', ['run', 'job.mjs', '--in', 'job.mjs'], 'Pass --format jsonl|csv|lines.'],
    ['no input at all', ['run', 'job.mjs'], 'Pass --in FILE.'],
    ['a job file that is not there', ['run', 'no.ts', '--in', 'rows.jsonl'], 'There is no job file no.ts.'],
    ['an output in no folder', [...RUN.slice(0, 4), '--out', 'no/results.jsonl'], 'there is no folder'],
    ['an output that is a folder', [...RUN.slice(0, 4), '--out', '.'], 'it is a folder'],
    ['an output that is the input', [...RUN.slice(0, 4), '--out', './rows.jsonl'], 'would be lost'],
    [
      'CSV as rows come',
      [...RUN.slice(0, 4), '--order', 'none', '--out', 'r.csv'],
      '--order none writes JSONL',
    ],
    ['a database in no folder', [...RUN, '--db', 'no/tasks.db'], 'STORAGE_NOT_FOUND'],
    ['a database of another program', [...RUN, '--db', 'rows.jsonl'], 'STORAGE_FOREIGN'],
  ])('%s ends with exit code 2', async (_, args, message) => {
    const folder = folderOf();
    const { code, err } = await folder.run(...args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(existsSync(join(folder.path, 'results.jsonl'))).toBe(false);
    expect(folder.read('rows.jsonl')).toBe('1\n');
  });

  test.runIf(process.platform === 'linux')(
    'a folder that nobody can write is found before the first call',
    async () => {
      const { code, err } = await folderOf().run(...RUN.slice(0, 4), '--out', '/sys/results.jsonl');
      expect([code, err]).toEqual([2, expect.stringContaining('the folder /sys cannot be written')]);
    },
  );
});

describe('job files', () => {
  const run = async (name: string, text: string) =>
    new Folder({ [name]: text, 'rows.jsonl': '1\n2\n', 'results.jsonl': '' }).run(
      'run',
      name,
      '--in',
      'rows.jsonl',
      '--out',
      '-',
    );

  test('one that does not compile: says what is wrong and where', async () => {
    const { code, err } = await run(
      'job.ts',
      'export default {\n  name: "x",\n  handler(row: { { return row; },\n};\n',
    );
    expect(code).toBe(2);
    expect(err).toMatch(/job\.ts cannot be loaded/);
    expect(err).toMatch(/job\.ts:3:\d+|\(3:\d+\)/);
  });

  test('one that throws: says the message and the line', async () => {
    const { code, err } = await run(
      'job.mjs',
      'const key = undefined;\n\nexport default { name: key.length, handler: () => 1 };\n',
    );
    expect(code).toBe(2);
    expect(err).toContain("Cannot read properties of undefined (reading 'length')");
    expect(err).toMatch(/job\.mjs:3:\d+/);
  });

  test('one that imports what is not there: says what', async () => {
    const { code, err } = await run('job.mjs', 'import x from "no-such-package";\nexport default x;\n');
    expect([code, err]).toEqual([2, expect.stringContaining('no-such-package')]);
  });

  test.each([
    ['exports nothing by default', 'export const job = 1;', 'has no default export. It exports job.'],
    ['exports a bare function', 'export default () => 1;', 'exports a function by default'],
    ['exports an object without a handler', 'export default { name: "x" };', 'has no handler'],
    [
      'has an option that there is not',
      'export default { name: "x", handler: () => 1, retires: 3 };',
      'Did you mean `retry`?',
    ],
    [
      'has a schema that is none',
      'export default { name: "x", input: {}, handler: () => 1 };',
      'no Standard Schema',
    ],
  ])('one that %s: says so', async (_, text, message) => {
    const { code, err } = await run('job.mjs', text);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });

  test.each([
    [
      'a class that extends TaskSource',
      'job.ts',
      `import { TaskSource } from '@shelchin/taskhub';
       enum Step { Two = 2 }
       export default class Doubles extends TaskSource<number, number> {
         readonly type = 'deterministic';
         #factor: number = Step.Two;
         getData() { return []; }
         async handler(n: number) { return n * this.#factor; }
       }`,
    ],
    [
      'an instance of a class',
      'job.mjs',
      'class Doubles { type = "deterministic"; getData() { return [] } handler(n) { return n * 2; } } export default new Doubles();',
    ],
    ['CommonJS', 'job.cjs', 'module.exports = { default: { name: "doubles", handler: (n) => n * 2 } };'],
    [
      'a plain object in TypeScript',
      'job.mts',
      'export default { name: "doubles", handler: (n: number): number => n * 2 };',
    ],
  ])('%s is a job', async (_, name, text) => {
    const { code, out } = await run(name, text);
    expect([code, out]).toEqual([0, '{"input":1,"output":2}\n{"input":2,"output":4}\n']);
  });

  test('one with data of its own needs no --in', async () => {
    const folder = new Folder({
      'job.mjs': 'export default { name: "own", getData: () => [1, 2], handler: (n) => n };',
    });
    const { code, out } = await folder.run('run', 'job.mjs', '--out', '-');
    expect([code, out]).toEqual([0, '{"input":1,"output":1}\n{"input":2,"output":2}\n']);
  });
});

test('rows from standard input resume as those of a file do', async () => {
  const folder = new Folder({ 'job.mjs': ECHO });
  const args = ['run', 'job.mjs', '--in', '-', '--format', 'csv', '--out', '-'];
  const first = folder.start(...args);
  first.process.stdin?.end(csv(people(2)));
  expect((await first.ended).out).toContain(
    '{"input":{"id":"0","name":"person 0"},"output":{"id":"0","name":"person 0"}}',
  );
  const second = folder.start(...args);
  second.process.stdin?.end(csv(people(2)));
  expect((await second.ended).err).toContain('resumed 2 of 2');
});
