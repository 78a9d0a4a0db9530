// Bad weather: what a browser may refuse, take away, or end in the middle of it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineTask, Hub } from '@taskhub/core';
import { NodeSQLiteAdapter } from '@taskhub/storage-node';
import type { Page } from 'playwright-core';
import { kill } from 'tabs/browser';
import { bundle, ORIGIN, type Site } from 'tabs/site';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import type {} from './in-tab.ts';
import { built, ENTRY, startOpfsSite } from './opfs-site.ts';

let site: Site;

beforeEach(async () => {
  site = await startOpfsSite();
});

afterEach(() => site.end());

const worker = built('worker.js').toString();

/** A tab whose reports are collected. */
async function openTab(reports: number[] = [], script?: string): Promise<Page> {
  const page = await site.openTab(script);
  await page.exposeFunction('report', (value: number) => void reports.push(value));
  return page;
}

/** Waits for the page to have reported so often; fails after 30 s. */
async function reported(reports: readonly number[], times: number): Promise<void> {
  await expect.poll(() => reports.length, { timeout: 30_000, interval: 5 }).toBeGreaterThanOrEqual(times);
}

const open = (page: Page) => page.evaluate(() => window.tab.probe());
const SLOW = { jobs: 5_000, ms: 20, concurrency: 5 };

/** The exported database as a file that is removed after the test. */
async function exported(page: Page): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'taskhub-export-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'taskhub.db');
  writeFileSync(file, await page.evaluate(() => window.tab.exportDatabase()), 'base64');
  return file;
}

/** What SQLite itself says of a file. */
function integrityOf(file: string): unknown {
  const Database = createRequire(import.meta.url)('better-sqlite3');
  const db = new Database(file, { readonly: true });
  const said = db.pragma('integrity_check', { simple: true });
  db.close();
  return said;
}

test('files that are not there: STORAGE_UNAVAILABLE with the address, within 5 s', async () => {
  for (const path of ['/worker.js', '/sqlite3.wasm']) {
    const page = await openTab();
    site.serve(path, null);
    const started = performance.now();
    const outcome = await open(page);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(outcome).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect('message' in outcome ? outcome.message : '').toContain(`${ORIGIN}${path}`);
    site.serve(path, path === '/worker.js' ? worker : null);
  }
});

test('a browser that refuses the file system: STORAGE_UNAVAILABLE with its reason', async () => {
  const refusing = `navigator.storage.getDirectory = () =>
    Promise.reject(new DOMException('It is not for this context.', 'SecurityError'));\n`;
  site.serve('/worker.js', refusing + worker);
  const page = await openTab();
  const outcome = await open(page);
  expect(outcome).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  expect('message' in outcome ? outcome.message : '').toMatch(/not for this context.*use IndexedDB/);
});

test('a page without https: STORAGE_UNAVAILABLE, which says that it needs it', async () => {
  const page = await site.openTab('/page.js', ORIGIN.replace('https:', 'http:'));
  const outcome = await open(page);
  expect(outcome).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  expect('message' in outcome ? outcome.message : '').toContain('https');
});

test('a frame without an origin: STORAGE_UNAVAILABLE', async () => {
  const page = await openTab();
  const outcome = await page.evaluate(() => window.tab.probeInSandbox(`${location.origin}/worker.js`));
  expect(outcome).toMatch(/^STORAGE_UNAVAILABLE: .*cannot be loaded from https:/);
});

test('a module that has no address of its own: STORAGE_UNAVAILABLE, which asks for workerUrl', async () => {
  const page = await openTab();
  const outcome = await page.evaluate(() => window.tab.probeInSandbox());
  expect(outcome).toMatch(/^STORAGE_UNAVAILABLE: .*pass its address as workerUrl/);
});

test('site data blocked in the settings: STORAGE_UNAVAILABLE with what to do', async () => {
  await site.restart({ profile: { default_content_setting_values: { cookies: 2 } } });
  const page = await openTab();
  const outcome = await open(page);
  expect(outcome).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  expect('message' in outcome ? outcome.message : '').toContain('Allow site data');
});

test('without Web Locks: the second tab is STORAGE_BUSY and told why, until the first is closed', async () => {
  const lockless = "Object.defineProperty(navigator, 'locks', { value: undefined });\n";
  site.serve('/worker.js', lockless + worker);
  const [a, b] = [await openTab(), await openTab()];
  expect(await open(a)).toEqual({ value: null });
  const refused = await open(b);
  expect(refused).toMatchObject({ code: 'STORAGE_BUSY' });
  expect('message' in refused ? refused.message : '').toMatch(/Another tab.*without Web Locks/);
  await a.close();
  expect(await open(b)).toEqual({ value: null });
});

test('close: a tab that waits for its turn ends at once where the browser does not take it out of the line', async () => {
  // Chromium 156 does so in about one of fifty times on a busy machine.
  const forgetful = `const request = navigator.locks.request.bind(navigator.locks);
    navigator.locks.request = (name, ...rest) =>
      rest.length === 1 ? request(name, rest[0]) : request(name, { ...rest[0], signal: undefined }, rest[1]);\n`;
  site.serve('/worker.js', forgetful + worker);
  const [a, b] = [await openTab(), await openTab()];
  expect(await open(a)).toEqual({ value: null });
  expect(await open(b)).toEqual({ value: null });
  const closing = b.evaluate(() => window.tab.close().then(() => 'closed'));
  expect(await Promise.race([closing, b.waitForTimeout(10_000)])).toBe('closed');
  await a.evaluate(() => window.tab.close());
  expect(await open(b)).toEqual({ value: null });
});

for (const durability of ['relaxed', 'strict'] as const) {
  test(`a full quota, ${durability}: the run ends as STORAGE_FULL and goes on when there is room`, async () => {
    const page = await openTab();
    const devtools = await site.context.newCDPSession(page);
    const options = { jobs: 60, ms: 1, concurrency: 5, output: 100_000, durability };
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: ORIGIN, quotaSize: 6_000_000 });
    const outcome = await page.evaluate((o) => window.tab.run(o), options);
    expect(outcome).toMatchObject({ code: 'STORAGE_FULL' });
    const full = await page.evaluate(() => window.tab.audit());
    expect(full.status).toBe('paused');
    expect(full.counted).toEqual(full.kept);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: ORIGIN });
    expect(await page.evaluate((o) => window.tab.run(o), options)).toMatchObject({
      value: { status: 'completed', completed: 60 },
    });
    expect(integrityOf(await exported(page))).toBe('ok');
  });
}

test('the data of the site is cleared: the run ends as STORAGE_NOT_FOUND and says what to do', async () => {
  const calls: number[] = [];
  const page = await openTab(calls);
  const running = page.evaluate((o) => window.tab.run(o), SLOW);
  await reported(calls, 20);
  const devtools = await site.context.newCDPSession(page);
  await devtools.send('Storage.clearDataForOrigin', { origin: ORIGIN, storageTypes: 'all' });
  const outcome = await running;
  expect(outcome).toMatchObject({ code: 'STORAGE_NOT_FOUND' });
  expect('message' in outcome ? outcome.message : '').toContain('Create a new hub');
});

test('a newer TaskHub in another tab: the older one ends as SCHEMA_TOO_NEW, and the newer one has its data', async () => {
  // The same sources with one migration more.
  const newer = await bundle(new URL('../../src/worker.ts', import.meta.url), [
    {
      name: 'newer-schema',
      setup(build) {
        build.onLoad({ filter: /storage-sqlite\/src\/schema\.ts$/ }, ({ path }) => ({
          contents: readFileSync(path, 'utf8').replace(
            '= [FIRST]',
            "= [FIRST, 'CREATE TABLE lane (no INTEGER)']",
          ),
          loader: 'ts',
        }));
      },
    },
  ]);
  site.serve('/newer/worker.js', newer);
  site.serve('/newer/sqlite3.wasm', built('sqlite3.wasm'));
  site.serve('/newer/page.js', await bundle(ENTRY));

  const calls: number[] = [];
  const [older, watcher] = [await openTab(calls), await openTab()];
  const running = older.evaluate((o) => window.tab.run(o), SLOW);
  await reported(calls, 20);
  expect(await open(watcher)).toEqual({ value: null });
  const page = await openTab([], '/newer/page.js');
  expect(await open(page)).toEqual({ value: null });
  expect(await running).toMatchObject({ code: 'SCHEMA_TOO_NEW' });
  expect(await watcher.evaluate(() => window.tab.touch())).toMatchObject({ code: 'SCHEMA_TOO_NEW' });
  expect(await page.evaluate(() => window.tab.touch())).toEqual({ value: 1 });

  // Beside the newer tab, and after it.
  const late = await openTab();
  expect(await open(late)).toMatchObject({ code: 'SCHEMA_TOO_NEW' });
  await page.close();
  const alone = await openTab();
  expect(await open(alone)).toMatchObject({ code: 'SCHEMA_TOO_NEW' });
});

for (const [victim, durability, kills] of [
  ['renderer', 'relaxed', 3],
  ['renderer', 'strict', 2],
  ['browser', 'relaxed', 2],
] as const) {
  test(`${victim} killed in mid-write, ${durability}, ${kills} times: no acknowledged commit is lost`, async () => {
    const acknowledged: number[] = [];
    let page = await openTab(acknowledged);
    await page.evaluate((d) => window.tab.use(d), durability);
    await page.evaluate(() => window.tab.prepare(20_000));
    for (let round = 1; round <= kills; round += 1) {
      const before = acknowledged.length;
      const pid = victim === 'renderer' ? site.processOf(page) : await site.mainProcess();
      // Owners of killed tabs keep what they held.
      const working = page
        .evaluate((owner) => window.tab.work(owner, 5), `owner ${round}`)
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
      await page.evaluate((d) => window.tab.use(d), durability);
      const stored = await page.evaluate(() => window.tab.stored());
      expect(stored.counted).toEqual(stored.kept);
      expect(stored.twice).toBe(0);
      const completed = new Set(stored.completed);
      expect(acknowledged.filter((seq) => !completed.has(seq))).toEqual([]);
      expect(integrityOf(await exported(page))).toBe('ok');
    }
  });
}

test('a task that begins in a page ends in Node, with the exported file: same root, same results', async () => {
  const calls: number[] = [];
  const page = await openTab(calls);
  const options = { jobs: 500, ms: 5, concurrency: 10 };
  await page.evaluate((o) => window.tab.begin(o), options);
  await reported(calls, 200);
  await page.evaluate(() => window.tab.command('pause'));
  await expect
    .poll(async () => (await page.evaluate(() => window.tab.audit())).kept.active, { timeout: 10_000 })
    .toBe(0);
  const inPage = await page.evaluate(() => window.tab.audit());
  const file = await exported(page);
  expect(integrityOf(file)).toBe('ok');

  const hub = new Hub(new NodeSQLiteAdapter(file));
  onTestFinished(() => hub.close());
  let callsInNode = 0;
  const squares = defineTask({
    name: 'squares',
    handler: ({ n }: { n: number }) => {
      callsInNode += 1;
      return n * n;
    },
  });
  const inputs = Array.from({ length: options.jobs }, (_, n) => ({ n }));
  const task = await hub.createTask(squares, { inputs });
  expect(task.created).toBe(false);
  expect(task.merkleRoot).toBe(inPage.root);
  const done = inPage.outputs.length;
  expect(done).toBeGreaterThan(100);
  expect(await task.start()).toMatchObject({ completed: options.jobs, ran: options.jobs - done });
  expect(callsInNode).toBe(options.jobs - done);
  const results = await task.getResults({ status: 'completed' });
  expect(results.map(({ output }) => output)).toEqual(inputs.map(({ n }) => n * n));

  // The page finishes its own copy with the same results.
  const finished = await page.evaluate((o) => window.tab.run(o), options);
  expect(finished).toMatchObject({ value: { status: 'completed', completed: options.jobs } });
  const seen = await page.evaluate(() => window.tab.audit());
  expect(seen.outputs).toEqual(results.map(({ output }) => output));
  expect(seen.root).toBe(task.merkleRoot);
});
