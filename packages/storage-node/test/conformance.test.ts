// The storage contract, against each binding that this runtime has.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conformance } from '@taskhub/core/testing';
import { newPath, newTask, rejection } from '@taskhub/storage-sqlite/testing';
import { describe, expect, test } from 'vitest';
import { NodeSQLiteAdapter } from '../src/index.js';
import { bindings, cutsTextAtNul } from './bindings.js';

for (const driver of bindings) {
  const cuts = driver === 'node-sqlite' && cutsTextAtNul();
  // The one thing that the node:sqlite of Node 22 cannot do; that it says so is tested below.
  const runner = (name: string, run: () => Promise<void>): void =>
    test.skipIf(cuts && / NUL /.test(name))(name, run);

  describe(driver, () => {
    conformance(
      { test: runner, equal: (actual, expected, message) => expect(actual, message).toEqual(expected) },
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

    test.runIf(cuts)('node-sqlite: text that would come back cut is refused', async () => {
      const store = new NodeSQLiteAdapter(newPath(), { driver });
      await store.open();
      const message = await rejection(store.insertTask(newTask('t', { name: 'a\0b' })), 'STORAGE_FAILED');
      expect(message).toContain('npm install better-sqlite3');
      expect(await store.readTask('t')).toBeNull();
      await store.close();
    });
  });
}
