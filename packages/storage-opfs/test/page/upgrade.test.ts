// Files that earlier versions of the SQLite stores have written, and one of a later version, put in the place of a database.
import { Hub } from '@taskhub/core';
import type {} from 'tabs/glob';
import { rejection } from 'tabs/rows';
import { expect, test } from 'vitest';
import { expectToGoOn } from '../../../core/test/earlier-version.js';
import { deleteDatabase, folderOf, newName, newStore } from './databases.js';

const FIXTURES = import.meta.glob<string>('../../../storage-sqlite/fixtures/version-*', {
  eager: true,
  import: 'default',
  query: '?url',
});

/** In a file of the pool the database begins after this, its path stands at the start. */
const HEADER = 4096;
const PATH = '/taskhub.db';

/** The file that a database which nobody has open lies in. */
async function poolFile(name: string): Promise<FileSystemFileHandle> {
  const pool = await (await folderOf(name)).getDirectoryHandle('.opaque');
  for await (const handle of pool.values()) {
    if (handle.kind !== 'file') continue;
    const file = handle as FileSystemFileHandle;
    const start = await (await file.getFile()).slice(0, PATH.length + 1).text();
    if (start === `${PATH}\0`) return file;
  }
  throw new Error(`${name} has no file`);
}

async function bytesOf(name: string): Promise<Uint8Array> {
  const file = await (await poolFile(name)).getFile();
  return new Uint8Array(await file.slice(HEADER).arrayBuffer());
}

/** A database of these bytes. */
async function put(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const name = newName();
  const store = newStore(name);
  await store.open();
  await store.close();
  const writable = await (await poolFile(name)).createWritable({ keepExistingData: true });
  await writable.write({ type: 'write', position: HEADER, data: bytes });
  await writable.truncate(HEADER + bytes.length);
  await writable.close();
  expect(await bytesOf(name)).toEqual(bytes);
  return name;
}

for (const [path, url] of Object.entries(FIXTURES)) {
  const fetched = async (): Promise<Uint8Array<ArrayBuffer>> =>
    new Uint8Array(await (await fetch(url)).arrayBuffer());
  const file = path.split('/').at(-1);

  test(`a file of ${file}: every job is as it was, and the run goes on to its end`, async () => {
    const name = await put(await fetched());
    await expectToGoOn(new Hub(newStore(name)));
    await deleteDatabase(name);
  });

  test(`a file of ${file} with a later format is SCHEMA_TOO_NEW and stays as it is`, async () => {
    const bytes = await fetched();
    new DataView(bytes.buffer).setUint32(60, 99); // user_version
    const name = await put(bytes);
    const error = await rejection(newStore(name).open(), 'SCHEMA_TOO_NEW');
    expect(error.details).toMatchObject({ version: 99, supported: 1 });
    expect(await bytesOf(name)).toEqual(bytes);
    await deleteDatabase(name);
  });
}
