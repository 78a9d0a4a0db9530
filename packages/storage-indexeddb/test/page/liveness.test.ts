// Whose tab is alive: told by Web Locks, or not at all.
import { afterEach, expect, test, vi } from 'vitest';
import { IndexedDBAdapter } from '../../src/index.js';

afterEach(() => vi.unstubAllGlobals());

test('identify: the same text for the life of the page, for every adapter', async () => {
  const [a, b] = [new IndexedDBAdapter('a'), new IndexedDBAdapter('b')];
  const id = await a.liveness.identify();
  expect(await b.liveness.identify()).toBe(id);
  expect(await a.liveness.identify()).toBe(id);
});

test('isGone: this page is alive, one whose lock is not held is gone', async () => {
  const { liveness } = new IndexedDBAdapter('a');
  const id = await liveness.identify();
  expect(await liveness.isGone(id)).toBe(false);
  expect(await liveness.isGone(`${id.slice(0, -1)}x`)).toBe(true);
});

test('isGone: what names no lock is not known', async () => {
  const { liveness } = new IndexedDBAdapter('a');
  expect(await liveness.isGone('unknown')).toBeUndefined();
});

test('without Web Locks: an identity, and nobody is known to be gone', async () => {
  vi.stubGlobal('navigator', { userAgent: navigator.userAgent });
  // A copy of the module, which has not asked for a lock yet.
  const copy = '../../../core/src/web-locks.ts?without-locks';
  const { webLockLiveness } = (await import(/* @vite-ignore */ copy)) as typeof import('@taskhub/core');
  const id = await webLockLiveness.identify();
  expect(id).not.toBe('');
  expect(await webLockLiveness.isGone(id)).toBeUndefined();
});
