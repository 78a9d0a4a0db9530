// Several tabs on one database: who owns it, what happens when that one goes, and who runs a task.

import process from 'node:process';
import type { Page } from 'playwright-core';
import { kill } from 'tabs/browser';
import type { Site } from 'tabs/site';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type {} from './in-tab.ts';
import { startOpfsSite } from './opfs-site.ts';

let site: Site;

beforeEach(async () => {
  site = await startOpfsSite();
});

afterEach(() => site.end());

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

const TRIES = 20;
const LONGEST = 2_000;

test(`failover: ${TRIES} times the owner is closed or killed, and the next tab has the database within 2 s`, async () => {
  let owner = await openTab();
  await owner.evaluate(() => window.tab.prepare(10));
  const taken: number[] = [];
  for (let at = 0; at < TRIES; at += 1) {
    const next = await openTab();
    expect(await next.evaluate(() => window.tab.probe())).toEqual({ value: null });
    const pid = site.processOf(owner);
    const started = performance.now();
    if (at % 2 === 0) await owner.close();
    else kill(pid);
    expect(await next.evaluate(() => window.tab.touch())).toEqual({ value: 1 });
    taken.push(performance.now() - started);
    if (at % 2 === 1) await owner.close();
    owner = next;
  }
  taken.sort((a, b) => a - b);
  process.stdout.write(`failover, ms: ${taken.map(Math.round).join(' ')}\n`);
  expect(taken.at(-1)).toBeLessThan(LONGEST);
});

test('three tabs, two at work, the third owns the database and goes: nothing is lost, done twice or left held', async () => {
  const acknowledged: number[] = [];
  const all: number[] = [];
  for (let round = 1; round <= 5; round += 1) {
    const owner = await openTab();
    if (round === 1) await owner.evaluate(() => window.tab.prepare(40_000));
    await owner.evaluate(() => window.tab.probe());
    const workers = [await openTab(acknowledged), await openTab(acknowledged)];
    const pid = site.processOf(owner);
    const before = acknowledged.length;
    const working = workers.map((page, at) =>
      page.evaluate((name) => window.tab.work(name, 7), `${round}.${at}`),
    );
    await reported(acknowledged, before + 10 + round * 7);
    if (round % 2 === 0) await owner.close();
    else kill(pid);
    await reported(acknowledged, acknowledged.length + 30);
    await Promise.all(workers.map((page) => page.evaluate(() => window.tab.rest())));
    // An exchange that was made again settled what it had to, or its worker has heard of a lost one and failed.
    for (const work of working) all.push(...(await work));
    const stored = await (workers[0] as Page).evaluate(() => window.tab.stored());
    expect(stored.counted).toEqual(stored.kept);
    expect(stored.counted).toMatchObject({ active: 0, completed: all.length });
    expect(stored.twice).toBe(0);
    expect([...stored.completed].sort((a, b) => a - b)).toEqual([...all].sort((a, b) => a - b));
    for (const page of [...workers, owner]) await page.close();
  }
  const done = new Set(all);
  expect(acknowledged.filter((seq) => !done.has(seq))).toEqual([]);
});

test('a task runs in one tab; when that is killed, the other goes on within 2 s with what was in flight', async () => {
  const calls = { a: [] as number[], b: [] as number[] };
  const [a, b] = [await openTab(calls.a), await openTab(calls.b)];
  const options = { jobs: 1_500, ms: 20, concurrency: 10 };
  const pid = site.processOf(a);
  await a.evaluate((o) => window.tab.begin(o), options);
  await reported(calls.a, 20);
  const ending = b.evaluate((o) => window.tab.run(o), options);
  await reported(calls.a, 120);
  expect(calls.b).toEqual([]);
  kill(pid);
  const started = performance.now();
  await reported(calls.b, 1);
  expect(performance.now() - started).toBeLessThan(LONGEST);
  expect(await ending).toMatchObject({ value: { status: 'completed', completed: options.jobs } });
  const seen = await b.evaluate(() => window.tab.audit());
  expect(seen.counted).toEqual(seen.kept);
  expect(seen.outputs).toEqual(Array.from({ length: options.jobs }, (_, n) => n * n));
  // The last reports of the tab that was killed may be lost on their way; those of the other one are complete.
  expect(new Set(calls.b).size).toBe(calls.b.length);
  const again = calls.b.filter((n) => calls.a.includes(n));
  expect(again.length).toBeLessThanOrEqual(2 * options.concurrency);
});

test('a tab without a source watches, reads results and commands', async () => {
  const calls: number[] = [];
  const [a, b] = [await openTab(calls), await openTab()];
  await a.evaluate((o) => window.tab.begin(o), { jobs: 20_000, ms: 20, concurrency: 10 });
  await reported(calls, 100);
  const running = await b.evaluate(() => window.tab.audit());
  expect(running.status).toBe('running');
  expect(running.outputs.length).toBeGreaterThan(50);
  await b.evaluate(() => window.tab.command('pause'));
  await expect
    .poll(async () => (await b.evaluate(() => window.tab.audit())).kept.active, { timeout: 10_000 })
    .toBe(0);
  const paused = await b.evaluate(() => window.tab.audit());
  expect(paused.status).toBe('paused');
  expect(paused.counted).toEqual(paused.kept);
  expect(calls.length).toBe(paused.kept.completed);
});
