// The storage contract, inside Chromium.
import { conformance } from '@taskhub/core/testing';
import { expect, test } from 'vitest';
import { deleteDatabase, newName, newStore } from './databases.js';

test('the suite runs in a browser, on its own file system', () => {
  expect(navigator.userAgent).toContain('Chrome');
  expect(String(navigator.storage.getDirectory)).toContain('[native code]');
});

conformance(
  { test, equal: (actual, expected, message) => expect(actual, message).toEqual(expected) },
  {
    name: 'opfs',
    places: 'one', // a worker takes half a second to start
    create() {
      const name = newName();
      return { open: () => newStore(name), destroy: () => deleteDatabase(name) };
    },
  },
);
