// Which index each statement uses: a full scan would make a call slower with every job that is stored.

import { expect, onTestFinished, test } from 'vitest';
import type { SqliteDriver } from '../index.js';
import { SqliteStore } from '../index.js';
import { completed, exchangeOf, failed, NOW, newJobs, newPath, newTask } from './fixtures.js';
import type { TestedStore } from './subject.js';

/** What is not about rows, or reads the last row of each table once, when the file is opened. */
const CONTROL =
  /^(BEGIN|COMMIT|ROLLBACK|SELECT \* FROM|SELECT \(SELECT application_id|SELECT name FROM sqlite_schema)/;

function planOf(driver: SqliteDriver, text: string): string[] {
  const values = [...text.matchAll(/\?/g)].map(() => null);
  const steps = driver.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...values) as { detail: string }[];
  return steps.map((step) => step.detail);
}

async function useEverything(store: SqliteStore): Promise<void> {
  await store.insertTask(newTask('t'));
  await store.insertJobs('t', newJobs(1, 60), { now: NOW, last: false });
  await store.insertJobs('t', newJobs(60, 70), { now: NOW, last: true });
  const { claimed } = await store.exchange('t', exchangeOf({ claim: { limit: 20, leaseUntil: NOW + 1 } }));
  const [a, b, c, d, e, ...rest] = claimed.map(({ seq }) => seq);
  const at = { startedAt: NOW, endedAt: NOW, dueAt: NOW };
  const settle = [
    completed(a ?? 0),
    failed(b ?? 0),
    { ...at, seq: c ?? 0, outcome: 'retry' as const, error: 'e' },
    { ...at, seq: d ?? 0, outcome: 'throttled' as const, error: 'e' },
    { ...at, seq: e ?? 0, outcome: 'interrupted' as const },
    ...rest.slice(0, 5).map(completed),
  ];
  await store.exchange('t', exchangeOf({ settle }));
  await store.exchange('t', exchangeOf({ owner: 'other', now: NOW + 40_000 }));
  await store.releaseJobs('t', { owner: 'other', crashed: false }, NOW);
  await store.renewLeases('me', NOW + 1);
  await store.listOwners('t');
  for (const status of [undefined, 'pending', 'active', 'completed', 'failed'] as const) {
    await store.exchange('t', exchangeOf({ now: NOW + 50_000 }));
    await store.readJobs('t', { limit: 5, ...(status === undefined ? {} : { status }) });
  }
  await store.resetFailed('t', 10, NOW);
  await store.insertTask(newTask('p', { status: 'ingesting', reuseFrom: 't' }));
  await store.insertJobs('p', newJobs(1, 30), { now: NOW, last: true });
  await store.publishTask('p', { id: 'final', root: '00', duplicates: 0 }, NOW);
  await store.exchange('final', exchangeOf());
  await store.readJobs('final', { status: 'pending', limit: 5 });
  await store.transitionTask('t', ['idle'], { status: 'running' }, NOW);
  await store.listTasks({ limit: 5, root: '00' });
  await store.deleteTask('t');
}

export function statementTests(subject: TestedStore): void {
  /** Every statement that a run through the whole contract compiles, with the steps of its plan. */
  async function plans(): Promise<Map<string, string[]>> {
    const path = newPath();
    const driver = subject.connect(path);
    const texts = new Set<string>();
    const recording: SqliteDriver = {
      ...driver,
      prepare(sql) {
        texts.add(sql);
        return driver.prepare(sql);
      },
    };
    const connect = async () => ({ name: 'test', driver: recording });
    const store = new SqliteStore({ name: 'test', path, connect });
    await store.open();
    onTestFinished(() => store.close());
    await useEverything(store);
    return new Map(
      [...texts].filter((text) => !CONTROL.test(text)).map((text) => [text, planOf(driver, text)]),
    );
  }

  test('statements: none reads through all jobs, results or live rows', async () => {
    for (const [text, steps] of await plans()) {
      const scans = steps.filter((step) => /^SCAN (j|l|r|job|live|result|progress)\b/.test(step));
      expect(scans, text).toEqual([]);
    }
  });

  test('statements: no plan sorts or builds an index of its own', async () => {
    for (const [text, steps] of await plans()) {
      expect(
        steps.filter((step) => /TEMP B-TREE|AUTOMATIC/.test(step)),
        text,
      ).toEqual([]);
    }
  });

  test.each([
    [
      'due jobs',
      /FROM live l CROSS JOIN job j ON j.id = l.id\s+WHERE l.task/,
      'live_due (task=? AND due_at<?)',
    ],
    ['the next due time', /^SELECT due_at FROM live/, 'live_due (task=?)'],
    ['pages of failed jobs', /r.error IS NOT NULL ORDER BY/, 'result_failed (id>? AND id<?)'],
    ['the reset of failed jobs', /^INSERT INTO live SELECT id, \?, NULL/, 'result_failed (id>? AND id<?)'],
    ['tasks of a root', /WHERE root = \?/, 'task_root (root=?)'],
  ])('statements: the index is used for %s', async (_, text, index) => {
    const plan = [...(await plans())].find(([each]) => text.test(each));
    expect(plan?.[1].join('\n')).toContain(index);
  });
}
