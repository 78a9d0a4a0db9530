// pnpm check:runtimes [RUNTIME...] [--package NAME]...
//
// Runs the tests of core, storage-node and taskhub inside other runtimes than the one at hand: node24, bun, deno, all
// of them unless named. Node 24 is installed from the registry into node_modules/.cache (200 MB, once). Needs a build.
// What `pnpm test` runs in Bun and Deno anyway is left to it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const MINUTE = 60_000;
const NODE_24 = '24.21.0';
const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (folder, name) => join(root, 'packages', folder, 'node_modules', '.bin', name);

/** How each runtime starts vitest, which packages are tested in it, and what is not. */
const RUNTIMES = {
  node24: { command: () => [installNode24()], packages: ['core', 'storage-node', 'taskhub'] },
  // storage-node: node:sqlite, which Bun has too. bun:sqlite is storage-bun's, and tested there.
  bun: { command: () => [bin('storage-bun', 'bun'), '--bun'], packages: ['core', 'storage-node', 'taskhub'] },
  deno: {
    command: () => [bin('storage-node', 'deno'), 'run', '--allow-all'],
    packages: ['core', 'taskhub'],
    // It starts programs by options of Node (`--input-type`); in Deno taskhub's runtimes.test.ts shows that they end.
    exclude: ['test/exit.test.ts'],
  },
};

const { values, positionals } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== '--'),
  options: { package: { type: 'string', multiple: true } },
  allowPositionals: true,
});
const unknown = positionals.find((name) => !Object.hasOwn(RUNTIMES, name));
if (unknown !== undefined) {
  console.error(`There is no runtime ${unknown}. There are ${Object.keys(RUNTIMES).join(', ')}.`);
  process.exit(1);
}

function installNode24() {
  const folder = join(root, 'node_modules', '.cache', `node-${NODE_24}`);
  const node = join(folder, 'node_modules', 'node', 'bin', 'node');
  if (existsSync(node)) return node;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const args = ['install', '--no-audit', '--no-fund', '--no-package-lock', `node@${NODE_24}`];
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: 'inherit', timeout: 3 * MINUTE });
  if (status !== 0 || !existsSync(node)) throw new Error(`Node ${NODE_24} could not be installed`);
  return node;
}

function runTests(runtime, folder) {
  const { command, exclude = [] } = RUNTIMES[runtime];
  const [file, ...flags] = command();
  const cwd = join(root, 'packages', folder);
  const report = join(cwd, 'test-results', `vitest-${runtime}.json`);
  rmSync(report, { force: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const config = join(root, 'vitest.runtime.config.ts');
  const started = performance.now();
  const { status } = spawnSync(
    file,
    [...flags, vitest, 'run', '--config', config, ...exclude.flatMap((name) => ['--exclude', name])],
    {
      cwd,
      env: {
        ...process.env,
        TASKHUB_RUNTIME: runtime,
        DENO_NO_UPDATE_CHECK: '1',
        // What a test starts by name (`node`) is this runtime as well.
        PATH: dirname(file) + delimiter + process.env.PATH,
      },
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: 5 * MINUTE,
      killSignal: 'SIGKILL',
    },
  );
  const row = { runtime, package: folder, passed: 0, failed: 0, skipped: 0 };
  if (existsSync(report)) {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'));
    Object.assign(row, { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests });
  }
  const ok = status === 0 && row.passed > 0;
  return { ...row, ok, seconds: Math.round((performance.now() - started) / 1000) };
}

const rows = [];
for (const runtime of positionals.length > 0 ? positionals : Object.keys(RUNTIMES)) {
  for (const folder of RUNTIMES[runtime].packages) {
    if (values.package === undefined || values.package.includes(folder)) rows.push(runTests(runtime, folder));
  }
}
console.table(rows);
process.exitCode = rows.length > 0 && rows.every(({ ok }) => ok) ? 0 : 1;
