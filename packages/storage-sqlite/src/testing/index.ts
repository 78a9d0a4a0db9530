// What every SQLite store that keeps its data in a file is tested with, beside the conformance suite. For vitest.
import { describe } from 'vitest';
import { badFileTests } from './bad-files.js';
import { closingTests } from './closing.js';
import { deletingTests } from './deleting.js';
import { diskFullTests } from './disk-full.js';
import { largeTests } from './large.js';
import { livenessTests } from './liveness.js';
import { lockTests } from './locks.js';
import { shellTests } from './shell.js';
import { statementTests } from './statements.js';
import type { TestedStore } from './subject.js';
import { upgradeTests } from './upgrade.js';

export { newFolder, newPath, newTask, rejection } from './fixtures.js';
export { processTests } from './processes.js';
export { storesOf, type TestedStore } from './subject.js';

/** Registers the tests of one store, but for {@link processTests}, which take longer. */
export function fileStoreTests(subject: TestedStore): void {
  describe(subject.name, () => {
    badFileTests(subject);
    closingTests(subject);
    deletingTests(subject);
    diskFullTests(subject);
    largeTests(subject);
    livenessTests();
    lockTests(subject);
    shellTests(subject);
    statementTests(subject);
    upgradeTests(subject);
  });
}
