// Adds up the vitest reports of every package and prints `N passed, N failed` as its last line.
// Exits 1 when a test failed, a report is missing, or no test ran.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = [
  ...readdirSync(join(root, 'packages')).map((name) => join('packages', name)),
  'examples',
  'examples/browser',
  'fixtures',
  'benchmarks',
  'laboratory',
];
let passed = 0;
let failed = 0;
let missing = 0;

for (const folder of folders.filter((name) => existsSync(join(root, name, 'vitest.config.ts')))) {
  const file = join(root, folder, 'test-results', 'vitest.json');
  if (!existsSync(file)) {
    console.error(`${folder}: no test report`);
    missing += 1;
    continue;
  }
  // Beside it may lie those of other runtimes: `vitest-deno.json`.
  for (const name of readdirSync(dirname(file)))
    if (/^vitest.*\.json$/.test(name)) add(join(dirname(file), name));
}

function add(file) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  // A file that fails before its first test has no failed test of its own: it counts as one.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  passed += report.numPassedTests;
  failed += report.numFailedTests + broken;
}

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || missing > 0 || passed === 0 ? 1 : 0;
