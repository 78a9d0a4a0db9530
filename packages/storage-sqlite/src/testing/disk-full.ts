// A disk without space: the error, that nothing is half written, and that work goes on once there is space again.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StorageAdapter } from '@taskhub/core';
import { expect, onTestFinished, test } from 'vitest';
import {
  completed,
  exchangeOf,
  insertMany,
  NOW,
  newFolder,
  newJobs,
  newPath,
  newTask,
  rejection,
} from './fixtures.js';
import { storesOf, type TestedStore } from './subject.js';

async function statusesOf(store: StorageAdapter): Promise<Record<string, number>> {
  const { rows } = await store.readJobs('t', { limit: 100_000 });
  const numbers: Record<string, number> = {};
  for (const { status } of rows) numbers[status] = (numbers[status] ?? 0) + 1;
  return numbers;
}

function mountSmall(folder: string, size: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return false; // No right to mount here.
  }
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  return true;
}

export function diskFullTests(subject: TestedStore): void {
  const { openStore, openStoreWithDriver } = storesOf(subject);

  test('insertJobs: without space it is STORAGE_FULL and adds no job; with space it goes on', async () => {
    const { store, driver } = await openStoreWithDriver(newPath());
    await store.insertTask(newTask('t'));
    await store.insertJobs('t', newJobs(1, 100), { now: NOW, last: false });
    driver.exec('PRAGMA max_page_count = 20');
    const message = await rejection(
      store.insertJobs('t', newJobs(101, 1_000), { now: NOW, last: true }),
      'STORAGE_FULL',
    );
    expect(message).toContain('Free some space');
    expect(await store.readTask('t')).toMatchObject({
      lastSeq: 100,
      ingested: false,
      counts: { total: 100 },
    });

    driver.exec('PRAGMA max_page_count = 1000000');
    // What the failed call has left in the index of hashes must not hide a job.
    const again = await store.insertJobs('t', newJobs(51, 1_000), { now: NOW, last: true });
    expect(again).toMatchObject({ inserted: 900, reused: 0, counts: { total: 1_000 } });
    expect(again.duplicates).toHaveLength(50);
    expect(await statusesOf(store)).toEqual({ pending: 1_000 });
  });

  test('exchange: without space nothing is settled or claimed; the same call succeeds with space', async () => {
    const { store, driver } = await openStoreWithDriver(newPath());
    await store.insertTask(newTask('t'));
    await insertMany(store, 't', 200);
    const claimed = await store.exchange(
      't',
      exchangeOf({ claim: { limit: 100, leaseUntil: NOW + 30_000 } }),
    );
    const large = 'x'.repeat(10_000);
    const settle = claimed.claimed.map(({ seq }) => ({
      ...completed(seq),
      outcome: 'completed' as const,
      output: large,
    }));
    driver.exec('PRAGMA max_page_count = 40');
    await rejection(store.exchange('t', exchangeOf({ settle })), 'STORAGE_FULL');
    expect(await statusesOf(store)).toEqual({ active: 100, pending: 100 });

    driver.exec('PRAGMA max_page_count = 1000000');
    const settled = await store.exchange('t', exchangeOf({ settle }));
    expect(settled.lost).toEqual([]);
    expect(settled.counts).toMatchObject({ completed: 100, active: 10, pending: 90 });
    expect(await statusesOf(store)).toEqual({ completed: 100, active: 10, pending: 90 });
  });

  test('a real file system that is full: STORAGE_FULL, and the file is whole afterwards', async (context) => {
    const folder = newFolder();
    if (!mountSmall(folder, '2m')) return context.skip('cannot mount');
    const path = join(folder, 'test.db');
    const store = await openStore(path);
    await store.insertTask(newTask('t'));
    await rejection(insertMany(store, 't', 100_000), 'STORAGE_FULL');
    const before = await store.readTask('t');
    expect(before?.counts.total).toBeGreaterThan(0);
    expect((await store.readJobs('t', { limit: 100_000 })).rows).toHaveLength(before?.counts.total ?? 0);
  });

  test('open: a full file system is STORAGE_FULL', async (context) => {
    const folder = newFolder();
    if (!mountSmall(folder, '64k')) return context.skip('cannot mount');
    const ballast = join(folder, 'ballast');
    try {
      writeFileSync(ballast, new Uint8Array(65_536));
    } catch {
      // Full now, which is what it is for.
    }
    await rejection(openStore(join(folder, 'test.db')), 'STORAGE_FULL');
    rmSync(ballast);
  });
}
