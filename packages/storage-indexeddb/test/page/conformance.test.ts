// The storage contract, inside Chromium.
import { conformance } from '@taskhub/core/testing';
import { expect, test } from 'vitest';
import { IndexedDBAdapter } from '../../src/index.js';
import { deleteDatabase, newName } from './databases.js';

test('the suite runs in a browser, on its own IndexedDB', () => {
  expect(navigator.userAgent).toContain('Chrome');
  expect(String(indexedDB.open)).toContain('[native code]');
});

// Once: `strict` changes what a commit waits for and nothing else, which opening.test.ts looks at.
conformance(
  { test, equal: (actual, expected, message) => expect(actual, message).toEqual(expected) },
  {
    name: 'indexeddb',
    create() {
      const name = newName();
      return { open: () => new IndexedDBAdapter(name), destroy: () => deleteDatabase(name) };
    },
  },
);
