// Files that earlier versions have written: kept in `fixtures`, one for each format and binding that wrote one.
import { copyFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Hub } from '@taskhub/core';
import { test } from 'vitest';
import { expectToGoOn } from '../../../core/test/earlier-version.js';
import { newPath } from './fixtures.js';
import type { TestedStore } from './subject.js';

const folder = new URL('../../fixtures/', import.meta.url);
const FILES = readdirSync(folder).filter((name) => name.startsWith('version-'));

export function upgradeTests(subject: TestedStore): void {
  for (const name of FILES) {
    test(`a file of ${name}: every job is as it was, and the run goes on to its end`, async () => {
      const path = newPath();
      copyFileSync(fileURLToPath(new URL(name, folder)), path);
      await expectToGoOn(new Hub(subject.newStore(path)));
    });
  }
}
