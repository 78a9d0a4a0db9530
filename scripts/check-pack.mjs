// pnpm check:pack [--node24] [--compile] [FILE...]
//
// Packs every public package, checks each tarball with publint and attw, then installs them with npm into an empty
// folder outside the repository, imports and type-checks every entry and runs each FILE there, verbatim, in Bun and
// Deno as well
// (without FILE: all files of scripts/pack-fixtures).
//
//   --node24    the same on Node 24, once without a driver (node:sqlite) and once with better-sqlite3 13
//   --compile   let npm build better-sqlite3 12 as a user's machine would, instead of copying this workspace's build
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { installPacked, pack, publicPackages, root, run } from './packages.mjs';

const bin = join(root, 'node_modules', '.bin');
const { values: flags, positionals } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== '--'),
  options: { node24: { type: 'boolean' }, compile: { type: 'boolean' } },
  allowPositionals: true,
});
const fixtures = join(root, 'scripts', 'pack-fixtures');
const programs =
  positionals.length > 0
    ? positionals.map((file) => resolve(file))
    : existsSync(fixtures)
      ? readdirSync(fixtures).map((name) => join(fixtures, name))
      : [];

const workspaceBin = (name, command) => join(root, 'packages', name, 'node_modules', '.bin', command);

/** Whether a program imports this entry. Others are files to be served: a worker, wasm. */
const isModule = (manifest, entry) => manifest.exports[entry].types !== undefined;

function packAndCheck(one, destination) {
  const packed = pack(one, destination);
  run(join(bin, 'publint'), ['--strict', packed.tarball]);
  const files = Object.keys(packed.manifest.exports).filter((entry) => !isModule(packed.manifest, entry));
  const excluded = files.length > 0 ? ['--exclude-entrypoints', ...files] : [];
  run(join(bin, 'attw'), [packed.tarball, '--profile', 'esm-only', ...excluded]);
  return packed;
}

/** An empty folder with the tarballs installed; `driver` is the better-sqlite3 version to have there, if any. */
function consumer(folder, packed, { driver, compile = false, env }) {
  const more = driver === undefined ? {} : { 'better-sqlite3': driver };
  installPacked(folder, packed, { more, scripts: compile, env });
  const installed = join(folder, 'node_modules', 'better-sqlite3');
  if (driver === undefined && existsSync(installed))
    throw new Error('better-sqlite3 was installed though nobody asked for it');
  if (existsSync(join(installed, 'binding.gyp')) && driver?.startsWith('12.') && !compile) {
    const built = join(
      root,
      'packages',
      'storage-node',
      'node_modules',
      'better-sqlite3',
      'build',
      'Release',
    );
    cpSync(
      join(realpathSync(built), 'better_sqlite3.node'),
      join(installed, 'build', 'Release', 'better_sqlite3.node'),
    );
  }
}

function tryOut(folder, packed, node) {
  const entries = packed.flatMap(({ manifest }) =>
    Object.keys(manifest.exports)
      .filter((entry) => isModule(manifest, entry))
      .map((entry) => manifest.name + entry.slice(1)),
  );
  const imports = entries.map((entry) => `import '${entry}';\n`).join('');
  writeFileSync(join(folder, 'import-all.mjs'), imports);
  run(node, ['import-all.mjs'], { cwd: folder });
  // Types that a package forgot to ship show only here: everywhere else the workspace has them.
  writeFileSync(join(folder, 'import-all.mts'), imports);
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext'];
  run(join(bin, 'tsc'), [...options, 'import-all.mts'], { cwd: folder });
  for (const program of programs) {
    cpSync(program, join(folder, basename(program)));
    // Node 20 needs help with TypeScript; Node 24 runs it as it is.
    const tsx =
      program.endsWith('.ts') && node === process.execPath
        ? ['--import', pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href]
        : [];
    run(node, [...tsx, basename(program)], { cwd: folder, show: true });
  }
}

/** Bun and Deno, as this workspace has them: they run TypeScript as it is, and need no driver. */
function tryOutIn(command, folder) {
  run(command[0], [...command.slice(1), 'import-all.mjs'], { cwd: folder });
  for (const program of programs) run(command[0], [...command.slice(1), basename(program)], { cwd: folder });
}

/** Node 24 from the registry's `node` package, beside the consumers. */
function installNode24(folder) {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  run('npm', ['install', '--no-audit', '--no-fund', 'node@24.21.0'], { cwd: folder });
  return realpathSync(join(folder, 'node_modules', 'node', 'bin', 'node'));
}

const temporary = realpathSync(mkdtempSync(join(tmpdir(), 'taskhub-pack-')));
try {
  const packed = publicPackages().map((one) => packAndCheck(one, temporary));
  console.log(`packed, publint and attw clean: ${packed.map(({ manifest }) => manifest.name).join(', ')}`);

  const cases = [
    { name: 'better-sqlite3-12', node: process.execPath, driver: '12.11.1', compile: flags.compile },
  ];
  if (flags.node24) {
    const node = installNode24(join(temporary, 'node24'));
    cases.push(
      { name: 'node24-no-driver', node },
      { name: 'node24-better-sqlite3-13', node, driver: '13.2.0' },
    );
  }
  for (const { name, node, ...options } of cases) {
    const started = performance.now();
    const folder = join(temporary, name);
    const env = { ...process.env, PATH: dirname(node) + delimiter + process.env.PATH };
    consumer(folder, packed, { ...options, env });
    tryOut(folder, packed, node);
    if (node === process.execPath) {
      tryOutIn([workspaceBin('storage-bun', 'bun')], folder);
      tryOutIn([workspaceBin('storage-node', 'deno'), 'run', '--allow-read', '--allow-write'], folder);
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(
      `${name}: installed and ran ${programs.length} programs (${run(node, ['--version']).trim()}, ${seconds} s)`,
    );
  }
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
