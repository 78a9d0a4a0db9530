// A lock that another program holds: for how long a call waits, and what it says then.

import type { Clock } from '@taskhub/core';
import { systemClock } from '@taskhub/core';
import { expect, onTestFinished, test } from 'vitest';
import { SqliteStore } from '../index.js';
import { newPath, newTask, rejection } from './fixtures.js';
import { storesOf, type TestedStore } from './subject.js';

/** Time that passes by waiting only. */
function quickClock(): Clock & { waits: number[] } {
  let time = 0;
  const waits: number[] = [];
  return {
    ...systemClock,
    waits,
    monotonic: () => time,
    setTimeout(callback, ms) {
      time += ms;
      waits.push(ms);
      return setImmediate(callback);
    },
  };
}

export function lockTests(subject: TestedStore): void {
  const { openRaw } = storesOf(subject);

  async function openWith(path: string, clock: Clock): Promise<SqliteStore> {
    const connect = async () => ({ name: 'test', driver: subject.connect(path) });
    const store = new SqliteStore({ name: 'test', path, connect, clock });
    await store.open();
    onTestFinished(() => store.close());
    return store;
  }

  test('a lock that is never given back: after 60 s of waiting it is STORAGE_BUSY', async () => {
    const path = newPath();
    const clock = quickClock();
    const store = await openWith(path, clock);
    const shell = openRaw(path);
    shell.exec('BEGIN IMMEDIATE');
    const message = await rejection(store.insertTask(newTask('t')), 'STORAGE_BUSY');
    expect(message).toContain('sqlite3 shell');
    expect(clock.monotonic()).toBeGreaterThanOrEqual(60_000);
    expect(clock.monotonic()).toBeLessThan(60_100);
    expect(Math.min(...clock.waits)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...clock.waits)).toBeLessThanOrEqual(20);
    expect(new Set(clock.waits).size).toBeGreaterThan(1_000);
  });

  test('a lock that is given back: the call goes on, and readers never wait', async () => {
    const path = newPath();
    const clock = quickClock();
    const store = await openWith(path, clock);
    const shell = openRaw(path);
    shell.exec('BEGIN IMMEDIATE');
    const inserting = store.insertTask(newTask('t'));
    expect(await store.readTask('t')).toBeNull();
    shell.exec('COMMIT');
    expect((await inserting).created).toBe(true);
  });
}
