// The page as a person uses it: built, served, and opened in tabs that are reloaded and closed in mid-run.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTaskHub, defineTask } from '@shelchin/taskhub';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { build, preview } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { hasChromium, launchOptions } from '../../../vitest.chromium.ts';
import { type Service, servicePlugin, startService } from '../service.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const outDir = mkdtempSync(join(tmpdir(), 'taskhub-page-'));
const LIMIT = { timeout: 20_000, interval: 50 };
const CITIES = 300;
let browser: Browser;
let context: BrowserContext;
let service: Service;
let url: string;
let endServer: () => Promise<void>;

beforeAll(async () => {
  if (!isPossible) return;
  await build({ root, configFile: false, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
  browser = await chromium.launch({ ...launchOptions, headless: true });
});
afterAll(async () => {
  await browser?.close();
  rmSync(outDir, { recursive: true, force: true });
});
beforeEach(async () => {
  if (!isPossible) return;
  context = await browser.newContext();
  context.setDefaultTimeout(30_000);
});
afterEach(async () => {
  await context?.close();
  await endServer?.();
});

const isPossible = hasChromium('example-browser');

async function serve(options: Parameters<typeof startService>[0]): Promise<void> {
  service = await startService({ cities: CITIES, rps: 60, latency: 150, errorRate: 0, ...options });
  const server = await preview({
    root,
    configFile: false,
    build: { outDir },
    plugins: [servicePlugin(service)],
    preview: { port: 0, host: '127.0.0.1' },
  });
  url = server.resolvedUrls?.local[0] ?? '';
  endServer = async () => {
    await server.close();
    await service.api.close();
  };
}

async function openTab(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

const text = async (page: Page, id: string): Promise<string> =>
  (await page.locator(`#${id}`).textContent()) ?? '';
const numberIn = async (page: Page, id: string): Promise<number> => Number(await text(page, id)) || 0;

async function reached(page: Page, completed: number): Promise<void> {
  await expect.poll(() => numberIn(page, 'completed'), LIMIT).toBeGreaterThanOrEqual(completed);
}

async function says(page: Page, pill: string | RegExp): Promise<void> {
  await expect.poll(() => text(page, 'pill'), LIMIT).toMatch(pill);
}

/** Clicks a button that downloads a file. @returns its path */
async function download(page: Page, id: string): Promise<string> {
  const [file] = await Promise.all([page.waitForEvent('download'), page.locator(`#${id}`).click()]);
  return file.path();
}

test.runIf(isPossible)(
  'reloaded in mid-run, then closed beside a second tab: all recorded once, and asked again only what was on its way',
  { timeout: 120_000 },
  async () => {
    await serve({});
    const first = await openTab();
    await says(first, 'Not started');
    await first.locator('#main').click();
    await reached(first, 60);
    let onTheirWay = await numberIn(first, 'concurrency');
    await first.reload();
    await says(first, 'Running');
    expect(await numberIn(first, 'completed')).toBeGreaterThanOrEqual(60);

    const second = await openTab();
    await expect.poll(() => text(second, 'note'), LIMIT).toContain('Another tab runs this batch');
    await reached(second, 120);
    for (const tab of [first, second])
      await expect.poll(() => text(tab, 'reason'), LIMIT).toMatch(/^Now [a-z]+( from| at|:)? [0-9]/);
    await second.locator('#main').click();
    await says(first, 'Paused');
    await says(second, 'Paused');
    await second.locator('#main').click();
    await reached(second, 160);

    onTheirWay += await numberIn(first, 'concurrency');
    await first.close();
    await expect.poll(() => second.locator('#note').isVisible(), { timeout: 2_000 }).toBe(false);
    await says(second, 'Finished');
    expect(await numberIn(second, 'completed')).toBe(CITIES);

    const lines = readFileSync(await download(second, 'results'), 'utf8')
      .trim()
      .split('\n');
    expect(lines).toHaveLength(CITIES);
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ status: 'completed', hours: expect.any(Number) });

    const answers = [...service.api.stats().fetches.values()];
    expect(answers).toHaveLength(CITIES);
    const again = answers.reduce((sum, count) => sum + count - 1, 0);
    // Twice, since the concurrency may have grown between its reading and the end of the page.
    expect(again).toBeLessThanOrEqual(2 * onTheirWay);
  },
);

test.runIf(isPossible)(
  'the exported database: begun in the page, finished in Node',
  { timeout: 60_000 },
  async () => {
    await serve({});
    const page = await openTab();
    await page.locator('#main').click();
    await reached(page, 50);
    await page.locator('#stop').click();
    await says(page, 'Paused');
    const completed = await numberIn(page, 'completed');
    const dbPath = await download(page, 'database');

    const hub = await createTaskHub({ dbPath });
    const [meta] = await hub.listTasks();
    expect(meta).toMatchObject({
      name: 'daylight',
      status: 'paused',
      totalJobs: CITIES,
      completedJobs: completed,
    });
    const rest = defineTask({ name: 'daylight', handler: ({ lat }: { lat: number }) => ({ hours: lat }) });
    const task = await hub.resumeTask(meta?.id ?? '', rest);
    expect(await task?.start()).toMatchObject({
      status: 'completed',
      completed: CITIES,
      ran: CITIES - completed,
    });
    expect(task?.merkleRoot).toBe(meta?.merkleRoot);
    await hub.close();
  },
);

test.runIf(isPossible)(
  'a service that only fails ends the run; reset begins again',
  { timeout: 60_000 },
  async () => {
    await serve({ errorRate: 1, latency: 20 });
    const page = await openTab();
    await page.locator('#main').click();
    await says(page, 'Stopped by errors');
    expect(await text(page, 'note')).not.toBe('');
    expect(await text(page, 'troubles')).toContain('The service answered 500');
    await page.locator('#reset').click();
    await says(page, 'Not started');
    expect(await numberIn(page, 'completed')).toBe(0);
  },
);

test.runIf(isPossible)('failed cities can be tried again', { timeout: 60_000 }, async () => {
  await serve({ errorRate: 0.4, latency: 20, rps: 1_000, cities: 100 });
  const page = await openTab();
  await page.locator('#main').click();
  await says(page, /Finished, \d+ failed/);
  const failed = await numberIn(page, 'failed');
  expect(failed).toBeGreaterThan(0);
  await page.locator('#main').click();
  await expect.poll(() => numberIn(page, 'failed'), LIMIT).toBeLessThan(failed);
  await says(page, 'Finished');
  expect((await numberIn(page, 'completed')) + (await numberIn(page, 'failed'))).toBe(100);
});
