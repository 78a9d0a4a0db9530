// The job file of the README.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { csv, Folder, people } from './cli.ts';
import { service } from './service.ts';

test('the job file of the README runs, in fifteen lines at most', async () => {
  const api = await service();
  const folder = new Folder({ 'cities.csv': csv(people(30)) });
  copyFileSync(fileURLToPath(new URL('job-files/cities.ts', import.meta.url)), join(folder.path, 'job.ts'));
  expect(folder.read('job.ts').trim().split('\n').length).toBeLessThanOrEqual(15);
  process.env.CITIES_API = api.url;
  const { code } = await folder.run('run', 'job.ts', '--in', 'cities.csv', '--out', 'results.jsonl');
  expect(code).toBe(0);
  expect(folder.rows('results.jsonl')[29]).toMatchObject({ input: { id: '29' }, output: { record: '29' } });
});
