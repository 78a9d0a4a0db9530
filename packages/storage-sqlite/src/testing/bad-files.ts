// What `open` says of a file that it cannot use, and that it leaves it as it was.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { SqliteDriver } from '../index.js';
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from '../schema.js';
import { exchangeOf, NOW, newFolder, newPath, newTask, rejection } from './fixtures.js';
import { storesOf, type TestedStore } from './subject.js';

function overwrite(path: string, at: number, length: number, by = 0xa5): void {
  const bytes = readFileSync(path);
  bytes.fill(by, at, at + length);
  writeFileSync(path, bytes);
}

/** A new file as it is right before its first commit takes the journal away, with all pages written. */
function cutInFirstTransaction(
  openRaw: (path: string) => SqliteDriver,
  statements: readonly string[],
): { path: string; journal: string } {
  const [whole, path] = [newPath(), newPath()];
  const journal = `${path}-journal`;
  const driver = openRaw(whole);
  driver.exec('PRAGMA cache_size = 1; BEGIN');
  for (const statement of statements) driver.exec(statement);
  // More than is cached: the journal is on the disk before the first page of the file is.
  driver.exec('CREATE TABLE large (a); INSERT INTO large VALUES (randomblob(400000))');
  copyFileSync(`${whole}-journal`, journal);
  driver.exec('COMMIT');
  copyFileSync(whole, path);
  return { path, journal };
}

// Root may write whatever its mode says, so these need a file system that says no: a read-only mount, a file made
// immutable. Where neither can be had (no root, a container without the right) the tests are skipped, and say so.
const isRoot = process.getuid?.() === 0;

function tryTo(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function badFileTests(subject: TestedStore): void {
  const { openStore, openRaw, openStoreWithDriver, storeWithJobs } = storesOf(subject);

  /** Opening must fail and change neither the bytes of the file nor what lies beside it. */
  async function refused(path: string, code: Parameters<typeof rejection>[1]): Promise<string> {
    const bytes = readFileSync(path);
    const beside = readdirSync(dirname(path)).sort();
    const message = await rejection(subject.newStore(path).open(), code);
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(dirname(path)).sort()).toEqual(beside);
    expect(message).toContain(path);
    return message;
  }

  test('open: a text file is foreign and stays as it is', async () => {
    const path = newPath();
    writeFileSync(path, 'name,age\nAda,36\n'.repeat(20));
    await refused(path, 'STORAGE_FOREIGN');
  });

  test('open: the SQLite file of another program is foreign and stays as it is', async () => {
    const path = newPath();
    const other = openRaw(path);
    other.exec('CREATE TABLE t (a)');
    other.close();
    await refused(path, 'STORAGE_FOREIGN');
  });

  test('open: a foreign SQLite file with a log stays as it is, log included', async () => {
    const path = newPath();
    const other = openRaw(path);
    other.exec('PRAGMA journal_mode = WAL');
    other.exec('CREATE TABLE t (a)');
    const log = readFileSync(`${path}-wal`);
    await refused(path, 'STORAGE_FOREIGN');
    expect(readFileSync(`${path}-wal`).equals(log)).toBe(true);
  });

  test('open: a file of a newer version is refused, naming both versions', async () => {
    const path = newPath();
    await (await openStore(path)).close();
    const other = openRaw(path);
    other.exec('PRAGMA user_version = 99');
    other.close();
    expect(await refused(path, 'SCHEMA_TOO_NEW')).toMatch(/version 99.*up to 1/);
  });

  test('open: a version that stands only in the log is refused as well', async () => {
    const path = newPath();
    const store = await openStore(path);
    const other = openRaw(path);
    other.exec('PRAGMA user_version = 99');
    await rejection(subject.newStore(path).open(), 'SCHEMA_TOO_NEW');
    await store.close();
  });

  test.each([
    ['cut in the middle', (path: string) => truncateSync(path, 3 * 4096 + 100)],
    ['cut after its header', (path: string) => truncateSync(path, 4096)],
    ['overwritten behind its header', (path: string) => overwrite(path, 100, 4096)],
    ['overwritten at its end', (path: string) => overwrite(path, statSync(path).size - 8192, 8192)],
    ['without a sensible page size', (path: string) => overwrite(path, 16, 2)],
  ])('open: a file %s is corrupt and stays as it is', async (_, damage) => {
    const path = newPath();
    await (await storeWithJobs(path, 1_000)).close();
    damage(path);
    await refused(path, 'STORAGE_CORRUPT');
  });

  test('open: a TaskHub file without one of its tables is corrupt', async () => {
    const path = newPath();
    await (await openStore(path)).close();
    const other = openRaw(path);
    other.exec('DROP TABLE result');
    other.close();
    expect(await refused(path, 'STORAGE_CORRUPT')).toContain('result');
  });

  test('readJobs: damage that shows only there is STORAGE_CORRUPT', async () => {
    const path = newPath();
    await (await storeWithJobs(path, 5_000)).close();
    overwrite(path, Math.floor(statSync(path).size / 4096 / 2) * 4096, 40 * 4096);
    const store = await openStore(path);
    await rejection(store.readJobs('t', { limit: 5_000 }), 'STORAGE_CORRUPT');
  });

  test('open: a folder is no file', async () => {
    const folder = newFolder();
    expect(await rejection(subject.newStore(folder).open(), 'STORAGE_NOT_FOUND')).toContain(folder);
  });

  test('open: a missing folder is named and not created', async () => {
    const path = join(newFolder(), 'missing', 'test.db');
    const message = await rejection(subject.newStore(path).open(), 'STORAGE_NOT_FOUND');
    expect(message).toContain(dirname(path));
    expect(existsSync(dirname(path))).toBe(false);
  });

  test('open: a folder on the way that is a file is reported', async () => {
    const path = newPath();
    writeFileSync(path, 'x');
    await rejection(subject.newStore(join(path, 'test.db')).open(), 'STORAGE_NOT_FOUND');
  });

  test('open: what is neither file nor folder is refused without waiting for it', async () => {
    const path = newPath();
    execFileSync('mkfifo', [path]);
    await rejection(subject.newStore(path).open(), 'STORAGE_FOREIGN');
  });

  test.each(['', ':memory:', 'file:test.db?mode=ro'])('open: "%s" names no file', async (path) => {
    await rejection(subject.newStore(path).open(), 'INVALID_CONFIG');
  });

  test('open: an empty file is filled', async () => {
    const path = newPath();
    writeFileSync(path, '');
    const store = await openStore(path);
    expect(await store.readTask('t')).toBeNull();
  });

  test('open: a file whose first transaction a power failure cut is as good as new', async () => {
    for (const lost of ['nothing', 'the header', 'all but the header']) {
      const { path, journal } = cutInFirstTransaction(openRaw, [
        ...MIGRATIONS,
        `PRAGMA application_id = ${APPLICATION_ID}`,
        `PRAGMA user_version = ${SCHEMA_VERSION}`,
      ]);
      if (lost === 'the header') overwrite(path, 0, 4096, 0);
      if (lost === 'all but the header') overwrite(path, 4096, statSync(path).size - 4096, 0);
      const store = await storeWithJobs(path, 10);
      expect((await store.readTask('t'))?.counts.total, lost).toBe(10);
      expect(existsSync(journal)).toBe(false);
    }
  });

  test('open: the file of another program that a power failure cut stays as it is, journal included', async () => {
    const { path, journal } = cutInFirstTransaction(openRaw, ['CREATE TABLE t (a)']);
    const bytes = readFileSync(journal);
    await refused(path, 'STORAGE_FOREIGN');
    expect(readFileSync(journal).equals(bytes)).toBe(true);
    // What its journal belongs to was no empty file.
    bytes.writeUInt32BE(1, 16);
    writeFileSync(journal, bytes);
    overwrite(path, 0, 4096, 0);
    await refused(path, 'STORAGE_FOREIGN');
  });

  test('open: after a failure the same adapter can be opened once the cause is mended', async () => {
    const path = newPath();
    writeFileSync(path, 'not a database');
    const store = subject.newStore(path);
    await rejection(store.open(), 'STORAGE_FOREIGN');
    unlinkSync(path);
    await store.open();
    onTestFinished(() => store.close());
    expect(await store.readTask('t')).toBeNull();
  });

  test('exchange: a file that was deleted meanwhile is reported, as soon as a second has passed', async () => {
    const path = newPath();
    const store = await storeWithJobs(path, 10);
    await store.exchange('t', exchangeOf());
    unlinkSync(path);
    const message = await rejection(
      store.exchange('t', exchangeOf({ now: NOW + 1_000 })),
      'STORAGE_NOT_FOUND',
    );
    expect(message).toContain('deleted or replaced');
  });

  test('exchange: a file that was replaced meanwhile is reported', async () => {
    const path = newPath();
    const store = await storeWithJobs(path, 10);
    await store.exchange('t', exchangeOf());
    renameSync(path, `${path}.old`);
    writeFileSync(path, '');
    await rejection(store.exchange('t', exchangeOf({ now: NOW + 1_000 })), 'STORAGE_NOT_FOUND');
  });

  test('open: a file on a read-only file system cannot be written', async (context) => {
    const folder = newFolder();
    if (!isRoot || !tryTo('mount', '-t', 'tmpfs', 'tmpfs', folder)) return context.skip('cannot mount');
    onTestFinished(() => void tryTo('umount', '-l', folder));
    const path = join(folder, 'test.db');
    await (await openStore(path)).close();
    expect(tryTo('mount', '-o', 'remount,ro', folder)).toBe(true);
    await refused(path, 'STORAGE_READ_ONLY');
    expect(await rejection(subject.newStore(join(folder, 'new.db')).open(), 'STORAGE_READ_ONLY')).toContain(
      folder,
    );
  });

  test('open: a file that may not be changed is read-only', async (context) => {
    const path = newPath();
    await (await openStore(path)).close();
    if (!isRoot || !tryTo('chattr', '+i', path)) return context.skip('cannot make a file immutable');
    onTestFinished(() => void tryTo('chattr', '-i', path));
    await refused(path, 'STORAGE_READ_ONLY');
  });

  test('open: a file that this user may not write is read-only', async (context) => {
    if (isRoot) return context.skip('root may write everything');
    const path = newPath();
    await (await openStore(path)).close();
    execFileSync('chmod', ['400', path]);
    await refused(path, 'STORAGE_READ_ONLY');
  });

  test('insertTask: a connection that may only read is STORAGE_READ_ONLY', async () => {
    const { store, driver } = await openStoreWithDriver(newPath());
    driver.exec('PRAGMA query_only = 1');
    await rejection(store.insertTask(newTask('t')), 'STORAGE_READ_ONLY');
  });

  test('open: a folder that was made after a failed open is used', async () => {
    const folder = join(newFolder(), 'later');
    const store = subject.newStore(join(folder, 'test.db'));
    await rejection(store.open(), 'STORAGE_NOT_FOUND');
    mkdirSync(folder);
    await store.open();
    await store.close();
  });
}
