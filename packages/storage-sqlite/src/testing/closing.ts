// What is left of a store after `close`, and who may read it.
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { completed, exchangeOf, NOW, newPath, newTask, rejection } from './fixtures.js';
import { storesOf, type TestedStore } from './subject.js';

export function closingTests(subject: TestedStore): void {
  const { openStore, openRaw, openStoreWithDriver, storeWithJobs } = storesOf(subject);

  test('name: it says which binding runs, after open', async () => {
    const store = await openStore(newPath());
    expect(store.name).toBe(subject.name);
  });

  test('close: the single file is complete, and nothing lies beside it', async () => {
    const path = newPath();
    const store = await storeWithJobs(path, 2_500);
    const { claimed } = await store.exchange('t', exchangeOf());
    await store.exchange('t', exchangeOf({ settle: claimed.map(({ seq }) => completed(seq)), claim: null }));
    const before = await store.readTask('t');
    await store.close();
    expect(readdirSync(dirname(path))).toEqual(['test.db']);
    const copy = newPath();
    copyFileSync(path, copy);
    const again = await openStore(copy);
    expect(await again.readTask('t')).toEqual(before);
    expect((await again.readJobs('t', { status: 'completed', limit: 100 })).rows).toHaveLength(10);
  });

  test('close: while another connection has it open, nothing is lost', async () => {
    const path = newPath();
    const [one, other] = [await storeWithJobs(path, 100), await openStore(path)];
    await one.close();
    expect((await other.readTask('t'))?.counts.total).toBe(100);
    await other.insertTask(newTask('second'));
    await other.close();
    expect(readdirSync(dirname(path))).toEqual(['test.db']);
  });

  test('close: twice, and before open, does nothing', async () => {
    const store = await openStore(newPath());
    await store.close();
    await store.close();
  });

  test('open: twice is once; after close it opens again', async () => {
    const store = await storeWithJobs(newPath(), 10);
    await store.open();
    await store.close();
    await rejection(store.readTask('t'), 'HUB_CLOSED');
    await store.open();
    expect((await store.readTask('t'))?.counts.total).toBe(10);
    await store.close();
  });

  test('exportDatabase: the bytes are a database with everything, also while it is in use', async () => {
    const store = await storeWithJobs(newPath(), 1_000);
    const bytes = await store.exportDatabase();
    const copy = newPath();
    writeFileSync(copy, bytes);
    const again = await openStore(copy);
    expect(await again.readTask('t')).toEqual(await store.readTask('t'));
    expect((await again.readJobs('t', { limit: 5_000 })).rows).toHaveLength(1_000);
    // It keeps no log: so it can be opened where none can be written, in memory too.
    expect([...bytes.subarray(18, 20)]).toEqual([1, 1]);
  });

  test.each([
    ['relaxed', 1],
    ['strict', 2],
  ] as const)('durability: %s is synchronous = %i, over a log', async (durability, synchronous) => {
    const { driver } = await openStoreWithDriver(newPath(), durability);
    expect(driver.prepare('PRAGMA synchronous').get()).toEqual({ synchronous });
    expect(driver.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(driver.prepare('PRAGMA busy_timeout').get()).toEqual({ timeout: 0 });
  });

  test('durability: another word is refused with what is allowed', () => {
    expect(() => subject.newStore(newPath(), { durability: 'maximal' as never })).toThrowError(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        message: expect.stringContaining('relaxed, strict'),
      }),
    );
  });

  test('open: the file and its log can be read by their owner only', async () => {
    const path = newPath();
    await storeWithJobs(path, 10);
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('open: the permissions of a file that was there stay as they are', async () => {
    const path = newPath();
    writeFileSync(path, '', { mode: 0o640 });
    await openStore(path);
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  test('open: the file itself tells whose it is from the start, without its log', async () => {
    const path = newPath();
    await openStore(path);
    expect(readFileSync(path).toString('latin1', 68, 72)).toBe('TASK');
    expect(existsSync(`${path}-wal`)).toBe(true);
  });

  test('close: calls that wait for a lock end with HUB_CLOSED', async () => {
    const path = newPath();
    const store = await openStore(path);
    const other = openRaw(path);
    other.exec('BEGIN IMMEDIATE');
    const waiting = store.insertTask(newTask('t'));
    const told = rejection(waiting, 'HUB_CLOSED');
    await store.close();
    await told;
    other.exec('ROLLBACK');
    other.close();
  });

  test('a lock: calls wait for it without blocking the event loop, and go on when it is free', async () => {
    const path = newPath();
    const store = await openStore(path);
    const other = openRaw(path);
    other.exec('BEGIN IMMEDIATE');
    const waiting = store.insertTask(newTask('t', { now: NOW }));
    let turns = 0;
    while (turns < 100) {
      await new Promise((resolve) => setImmediate(resolve));
      turns += 1;
    }
    other.exec('COMMIT');
    other.close();
    expect((await waiting).created).toBe(true);
  });
}
