// Several tabs, reloads, a quota, data cleared by the browser, and tabs that are killed.
import type { Page } from 'playwright-core';
import { kill } from 'tabs/browser';
import { ORIGIN, type Site, startSite } from 'tabs/site';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type {} from './in-tab.ts';

let site: Site;

beforeEach(async () => {
  site = await startSite(new URL('./in-tab.ts', import.meta.url));
});

afterEach(() => site.end());

const SQUARES = Array.from({ length: 2_000 }, (_, n) => n * n);

/** A tab whose reports are collected. */
async function openTab(reports: number[] = []): Promise<Page> {
  const page = await site.openTab();
  await page.exposeFunction('report', (value: number) => void reports.push(value));
  return page;
}

/** Waits for the page to have reported so often; fails after 30 s. */
async function reported(reports: readonly number[], times: number): Promise<void> {
  await expect.poll(() => reports.length, { timeout: 30_000, interval: 5 }).toBeGreaterThanOrEqual(times);
}

test('reload: 2,000 jobs go on after it, and only those in flight run again', async () => {
  const calls: number[] = [];
  const page = await openTab(calls);
  const options = { jobs: 2_000, ms: 5, concurrency: 20 };
  await page.evaluate((o) => window.tab.begin(o), options);
  await reported(calls, 500);
  await page.reload();
  await page.evaluate((o) => window.tab.begin(o), options);
  await reported(calls, 1_200);
  await page.reload();
  const started = Date.now();
  const outcome = await page.evaluate((o) => window.tab.run(o), options);
  // The jobs of the page that was left are taken over at once: its lease would have lasted 30 s.
  expect(Date.now() - started).toBeLessThan(25_000);
  expect(outcome).toMatchObject({ value: { status: 'completed', total: 2_000, completed: 2_000 } });
  expect(new Set(calls).size).toBe(2_000);
  expect(calls.length - 2_000).toBeLessThanOrEqual(2 * 2 * 20);
  const audit = await page.evaluate(() => window.tab.audit());
  expect(audit.counted).toEqual(audit.kept);
  expect(audit.outputs).toEqual(SQUARES);
});

test('restart of the browser: everything is there again', async () => {
  const page = await openTab();
  await page.evaluate(() => window.tab.run({ jobs: 500, ms: 0, concurrency: 50 }));
  const before = await page.evaluate(() => window.tab.audit());
  await site.restart();
  const again = await openTab();
  expect(await again.evaluate(() => window.tab.audit())).toEqual(before);
  expect(before.counted).toMatchObject({ completed: 500 });
});

test('two tabs work on one task: no job in both, and none is left', async () => {
  const [a, b] = [await openTab(), await openTab()];
  await a.evaluate(() => window.tab.prepare(3_000));
  const [mine, theirs] = await Promise.all([
    a.evaluate(() => window.tab.work('ann', 10, 'relaxed')),
    b.evaluate(() => window.tab.work('bob', 10, 'relaxed')),
  ]);
  expect(mine.length).toBeGreaterThan(0);
  expect(theirs.length).toBeGreaterThan(0);
  expect([...mine, ...theirs].sort((x, y) => x - y)).toEqual(
    Array.from({ length: 3_000 }, (_, at) => at + 1),
  );
});

test('liveness: a tab is alive until it is closed or reloaded', async () => {
  const watcher = await openTab();
  const isGone = (id: string): Promise<boolean | undefined> =>
    watcher.evaluate((identity) => window.tab.isGone(identity), id);
  const a = await openTab();
  const first = await a.evaluate(() => window.tab.identify());
  expect(await isGone(first)).toBe(false);
  await a.reload();
  await expect.poll(() => isGone(first), { timeout: 5_000 }).toBe(true);
  const second = await a.evaluate(() => window.tab.identify());
  expect(await isGone(second)).toBe(false);
  await a.close();
  await expect.poll(() => isGone(second), { timeout: 5_000 }).toBe(true);
});

test('a second tab finishes the run of one that was closed, without waiting for its lease', async () => {
  const calls: number[] = [];
  const [a, b] = [await openTab(calls), await openTab(calls)];
  const options = { jobs: 1_000, ms: 5, concurrency: 20 };
  await a.evaluate((o) => window.tab.begin(o), options);
  await reported(calls, 300);
  await a.close();
  const started = Date.now();
  const outcome = await b.evaluate((o) => window.tab.run(o), options);
  expect(outcome).toMatchObject({ value: { status: 'completed', completed: 1_000 } });
  expect(Date.now() - started).toBeLessThan(20_000);
  expect(calls.length - 1_000).toBeLessThanOrEqual(2 * 20);
});

test('a newer version in another tab: the run ends as SCHEMA_TOO_NEW, and nothing is touched', async () => {
  const calls: number[] = [];
  const [a, b] = [await openTab(calls), await openTab()];
  const running = a.evaluate(() => window.tab.run({ jobs: 2_000, ms: 20, concurrency: 5 }));
  await reported(calls, 20);
  await b.evaluate(() => window.tab.upgrade());
  expect(await running).toMatchObject({ code: 'SCHEMA_TOO_NEW' });
  expect(await a.evaluate(() => window.tab.probe())).toMatchObject({ code: 'SCHEMA_TOO_NEW' });
});

test('the data of the site is cleared: the run ends as STORAGE_FAILED and says what to do', async () => {
  const calls: number[] = [];
  const page = await openTab(calls);
  const running = page.evaluate(() => window.tab.run({ jobs: 2_000, ms: 20, concurrency: 5 }));
  await reported(calls, 20);
  const devtools = await site.context.newCDPSession(page);
  await devtools.send('Storage.clearDataForOrigin', { origin: ORIGIN, storageTypes: 'indexeddb' });
  const outcome = await running;
  expect(outcome).toMatchObject({ code: 'STORAGE_FAILED' });
  expect('message' in outcome ? outcome.message : '').toContain('Create a new hub');
  expect(await page.evaluate(() => window.tab.probe())).toEqual({ value: 0 });
});

test('a full quota: the run ends as STORAGE_FULL and goes on when there is room', async () => {
  const page = await openTab();
  const devtools = await site.context.newCDPSession(page);
  const options = { jobs: 300, ms: 1, concurrency: 5, output: 100_000 };
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: ORIGIN, quotaSize: 4_000_000 });
  const outcome = await page.evaluate((o) => window.tab.run(o), options);
  expect(outcome).toMatchObject({ code: 'STORAGE_FULL' });
  const audit = await page.evaluate(() => window.tab.audit());
  expect(audit.counted).toEqual(audit.kept);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: ORIGIN });
  expect(await page.evaluate((o) => window.tab.run(o), options)).toMatchObject({
    value: { status: 'completed', completed: 300 },
  });
});

test('a frame without an origin: STORAGE_UNAVAILABLE with the reason', async () => {
  const page = await openTab();
  const said = await page.evaluate(() => window.tab.probeInSandbox());
  expect(said).toMatch(/^STORAGE_UNAVAILABLE: .*does not let this page use IndexedDB/);
});

for (const [victim, durability, kills] of [
  ['renderer', 'relaxed', 4],
  ['renderer', 'strict', 2],
  ['browser', 'relaxed', 3],
] as const) {
  test(`${victim} killed in mid-write, ${durability}, ${kills} times: no acknowledged commit is lost`, async () => {
    const acknowledged: number[] = [];
    let page = await openTab(acknowledged);
    await page.evaluate(() => window.tab.prepare(40_000));
    for (let round = 1; round <= kills; round += 1) {
      const before = acknowledged.length;
      const pid = victim === 'renderer' ? site.processOf(page) : await site.mainProcess();
      // Owners of killed tabs keep what they held: their number tells which jobs may be missing.
      const working = page
        .evaluate(([owner, d]) => window.tab.work(owner, 5, d), [`owner ${round}`, durability] as const)
        .then(
          () => 'finished',
          () => 'killed',
        );
      await reported(acknowledged, before + 20 + round * 7);
      kill(pid);
      expect(await working, 'the jobs must outlast the kills').toBe('killed');
      if (victim === 'browser') await site.restart();
      else await page.close();
      page = await openTab(acknowledged);
      const stored = await page.evaluate(() => window.tab.stored());
      expect(stored.counted).toEqual(stored.kept);
      expect(stored.twice).toBe(0);
      const completed = new Set(stored.completed);
      expect(acknowledged.filter((seq) => !completed.has(seq))).toEqual([]);
    }
  });
}
