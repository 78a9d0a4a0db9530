// The storage contract, inside Bun.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conformance } from '@taskhub/core/testing';
import { expect, test } from 'vitest';
import { BunSQLiteAdapter } from '../src/index.js';

conformance(
  { test, equal: (actual, expected, message) => expect(actual, message).toEqual(expected) },
  {
    name: 'bun-sqlite',
    create() {
      const folder = mkdtempSync(join(tmpdir(), 'taskhub-conformance-'));
      return {
        open: () => new BunSQLiteAdapter(join(folder, 'test.db')),
        destroy: () => rmSync(folder, { recursive: true, force: true }),
      };
    },
  },
);
