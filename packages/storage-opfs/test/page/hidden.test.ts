// A page in the background, whose own timers the browser holds back: the clock of the engine is on time all the same.
import { systemClock } from '@taskhub/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

/** As browsers do it with a hidden page, at the least. */
const HELD_BACK = 2_000;
const { setTimeout: ownSetTimeout } = globalThis;

beforeEach(() => {
  systemClock.clearTimeout(systemClock.setTimeout(() => undefined, 0)); // It has seen the page.
  vi.stubGlobal('setTimeout', (callback: () => void, ms = 0) => ownSetTimeout(callback, ms + HELD_BACK));
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function hide(): void {
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  document.dispatchEvent(new Event('visibilitychange'));
}

/** The `ms` after which a timer of the clock goes off. */
async function timeOf(ms: number): Promise<number> {
  const started = performance.now();
  await new Promise<void>((resolve) => void systemClock.setTimeout(resolve, ms));
  return performance.now() - started;
}

test('visible: a timer is one of the page', async () => {
  expect(await timeOf(50)).toBeGreaterThanOrEqual(HELD_BACK);
});

test('hidden: a timer goes off in time, and only once', async () => {
  hide();
  let calls = 0;
  const taken = await timeOf(300);
  systemClock.setTimeout(() => {
    calls += 1;
  }, 50);
  expect(taken).toBeGreaterThanOrEqual(299);
  expect(taken).toBeLessThan(HELD_BACK);
  await new Promise((resolve) => ownSetTimeout(resolve, HELD_BACK + 500));
  expect(calls).toBe(1);
});

test('hidden while it waits: a timer that was set before goes off in time', async () => {
  const taken = timeOf(400);
  hide();
  expect(await taken).toBeLessThan(HELD_BACK);
});

test('hidden: a timer that is cleared does not go off', async () => {
  hide();
  let calls = 0;
  const timer = systemClock.setTimeout(() => {
    calls += 1;
  }, 50);
  systemClock.clearTimeout(timer);
  await timeOf(300);
  expect(calls).toBe(0);
});
