// Several processes and one task: looked at, shared, left.
import { expect, test } from 'vitest';
import { csv, Folder, parseLines, people } from './cli.ts';
import { jobFor, service } from './service.ts';

test('while a process runs a task: status, watch, export and failures work, and delete asks for --force', async () => {
  const api = await service({ latency: { median: 100, spread: 0.1 } });
  const folder = new Folder({
    'job.ts': jobFor(api, 'concurrency: { max: 10, initial: 10 }'),
    'people.csv': csv(people(400)),
  });
  const run = folder.start('run', 'job.ts', '--in', 'people.csv', '--out', 'results.jsonl');
  while (api.stats().answered < 30) await new Promise((resolve) => setTimeout(resolve, 10));
  const watching = folder.start('watch', 'people', '--json');
  const seen = JSON.parse((await folder.run('status', 'people', '--json')).out) as Record<string, unknown>;
  expect(seen).toMatchObject({ status: 'running', workers: 1, total: 400 });
  expect((await folder.run('delete', 'people')).code).toBe(2);
  const part = await folder.run('export', 'people');
  expect(parseLines(part.out).length).toBeGreaterThan(20);
  expect(part.err).toContain('are not done yet');
  expect((await run.ended).code).toBe(0);
  const watched = await watching.ended;
  expect(watched.code).toBe(0);
  expect(parseLines(watched.out).at(-1)).toMatchObject({ status: 'completed', completed: 400 });
  expect([...api.stats().fetches.values()].every((times) => times === 1)).toBe(true);
});

test('a second run of a task shares it, and both say so; no row is run twice', async () => {
  const api = await service({ latency: { median: 100, spread: 0.1 } });
  const job = jobFor(api, 'concurrency: { max: 4, initial: 4 }');
  const folder = new Folder({ 'job.ts': job, 'people.csv': csv(people(300)) });
  const first = folder.start('run', 'job.ts', '--in', 'people.csv', '--out', 'first.jsonl');
  while (api.stats().answered < 10) await new Promise((resolve) => setTimeout(resolve, 10));
  const second = folder.start('run', 'job.ts', '--in', 'people.csv', '--out', 'second.jsonl');
  const [one, two] = await Promise.all([first.ended, second.ended]);
  expect([one.code, two.code]).toEqual([0, 0]);
  expect(one.err).toContain('2 processes share this task now');
  expect(two.err).toContain('Another process works on this task: they share it');
  expect(folder.read('first.jsonl')).toBe(folder.read('second.jsonl'));
  expect([...api.stats().fetches.values()]).toEqual(Array(300).fill(1));
});

test('Ctrl-C in one of two processes leaves the other one running', async () => {
  const api = await service({ latency: { median: 100, spread: 0.1 } });
  const job = jobFor(api, 'concurrency: { max: 4, initial: 4 }');
  const folder = new Folder({ 'job.ts': job, 'people.csv': csv(people(200)) });
  const runs = ['first.jsonl', 'second.jsonl'].map((out) =>
    folder.start('run', 'job.ts', '--in', 'people.csv', '--out', out),
  );
  while (api.stats().answered < 20) await new Promise((resolve) => setTimeout(resolve, 10));
  runs[0]?.process.kill('SIGINT');
  expect((await runs[0]?.ended)?.code).toBe(130);
  expect((await runs[1]?.ended)?.code).toBe(0);
  expect([...api.stats().fetches.values()]).toEqual(Array(200).fill(1));
});
