import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.ts') && readFileSync(folder + name, 'utf8').includes('./lib/measure.ts'))
  .map((name) => name.slice(0, -'.ts'.length));

interface Answer {
  question: string;
  cases: Record<string, Record<string, { median: number; least: number; most: number }>>;
  targets: { name: string; value: number; met: boolean }[];
}

function bench(name: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', `${folder}${name}.ts`, '--quick', '--json', ...args],
    { cwd: folder, encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' },
  );
  return { status, stdout, stderr };
}

describe('every benchmark', () => {
  test.each(names)('%s: prints one line of JSON with figures for each case', { timeout: 90_000 }, (name) => {
    const { status, stdout, stderr } = bench(name);
    expect(status, stderr).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(1);
    const { question, cases, targets } = JSON.parse(lines[0] ?? '') as Answer;
    expect(question).toBe(name);
    const figures = Object.values(cases).flatMap((figures) => Object.values(figures));
    expect(figures.length).toBeGreaterThan(0);
    for (const { median, least, most } of figures) {
      expect(least).toBeGreaterThanOrEqual(0);
      expect(median).toBeGreaterThanOrEqual(least);
      expect(most).toBeGreaterThanOrEqual(median);
    }
    for (const { value, met } of targets) expect([typeof value, typeof met]).toEqual(['number', 'boolean']);
  });

  test('one with an option that it does not know ends with an error that names it', () => {
    const { status, stderr } = bench('store-alone', '--size', '5');
    expect(status).toBe(1);
    expect(stderr).toContain('--size 5');
  });

  test('durable-batch keeps the keys that others read', { timeout: 90_000 }, () => {
    const { stdout } = bench('durable-batch', '--only', 't');
    expect(JSON.parse(stdout)).toMatchObject({
      runtime: expect.stringContaining('node'),
      store: 'better-sqlite3',
      jobs: 1000,
      concurrency: 50,
      cpuMicrosPerJob: expect.any(Number),
      wallJobsPerSecond: expect.any(Number),
      bytesPerJob: expect.any(Number),
      heapGrowthMB: expect.any(Number),
      peakRssMB: expect.any(Number),
    });
  });
});
