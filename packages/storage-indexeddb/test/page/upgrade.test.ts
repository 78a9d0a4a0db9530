// Databases that earlier versions have written: kept in `fixtures`, one for each format.
import { Hub } from '@taskhub/core';
import type {} from 'tabs/glob';
import { expect, test } from 'vitest';
import { expectToGoOn } from '../../../core/test/earlier-version.js';
import { type Dump, dump, restore } from '../../fixtures/dump.js';
import { IndexedDBAdapter } from '../../src/index.js';
import { SCHEMA_VERSION } from '../../src/schema.js';
import { deleteDatabase, newName } from './databases.js';

const FIXTURES = import.meta.glob<Dump>('../../fixtures/version-*.json', { eager: true, import: 'default' });

test('there is a database of each format', () => {
  const versions = Object.values(FIXTURES).map(({ version }) => version);
  expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: SCHEMA_VERSION }, (_, at) => at + 1));
});

for (const [path, written] of Object.entries(FIXTURES)) {
  test(`a database of format ${written.version}: every job is as it was, and the run goes on to its end`, async () => {
    const name = newName();
    await restore(name, written);
    expect(await dump(name), path).toEqual(written);
    await expectToGoOn(new Hub(new IndexedDBAdapter(name)));
    await deleteDatabase(name);
  });
}
