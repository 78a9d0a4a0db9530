// The storage contract, against each binding that this runtime has.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conformance } from '@taskhub/core/testing';
import { describe, expect, test } from 'vitest';
import { NodeSQLiteAdapter } from '../src/index.js';
import { bindings } from './bindings.js';

for (const driver of bindings) {
  describe(driver, () => {
    conformance(
      { test, equal: (actual, expected, message) => expect(actual, message).toEqual(expected) },
      {
        name: driver,
        create() {
          const folder = mkdtempSync(join(tmpdir(), 'taskhub-conformance-'));
          return {
            open: () => new NodeSQLiteAdapter(join(folder, 'test.db'), { driver }),
            destroy: () => rmSync(folder, { recursive: true, force: true }),
          };
        },
      },
    );
  });
}
