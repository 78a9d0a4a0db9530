// The public packages as a user gets them: packed, and installed by npm in a folder outside the repository.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {{ name: string, private?: boolean, exports: Record<string, unknown> }} Manifest
 * @typedef {{ folder: string, manifest: Manifest }} Package
 * @typedef {{ manifest: Manifest, tarball: string }} Packed
 */

const MINUTE = 60_000;

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs a command to its end, for two minutes at most; its output is shown only when it fails.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean, timeout?: number }} [options]
 * @returns {string} what it printed, unless that was shown
 */
export function run(
  command,
  args,
  { cwd = root, env = process.env, show = false, timeout = 2 * MINUTE } = {},
) {
  try {
    return execFileSync(command, args, {
      cwd,
      env,
      timeout,
      encoding: 'utf8',
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    });
  } catch (error) {
    console.error(error.stdout ?? '', error.stderr ?? '');
    throw new Error(
      `${basename(command)} ${args.join(' ')} failed (${error.signal ?? error.code ?? `exit ${error.status}`})`,
    );
  }
}

/** @returns {Package[]} what is published */
export function publicPackages() {
  return readdirSync(join(root, 'packages'))
    .map((name) => join(root, 'packages', name))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => !manifest.private);
}

/**
 * @param {Package} one - built
 * @param {string} destination - the folder of the tarball
 * @returns {Packed}
 */
export function pack({ folder, manifest }, destination) {
  const output = run('pnpm', ['pack', '--json', '--pack-destination', destination], { cwd: folder });
  return { manifest, tarball: resolve(folder, JSON.parse(output).filename) };
}

/**
 * Makes a folder in which these tarballs are installed.
 *
 * @param {string} folder
 * @param {Packed[]} packed
 * @param {{ more?: Record<string, string>, scripts?: boolean, env?: NodeJS.ProcessEnv }} [options] - `more`: other
 * dependencies by name; `scripts`: whether packages may build themselves
 */
export function installPacked(folder, packed, { more = {}, scripts = false, env = process.env } = {}) {
  const tarballs = Object.fromEntries(
    packed.map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`]),
  );
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'package.json'),
    // The packages name each other by a version that need not be published yet: overrides point it to the tarballs.
    JSON.stringify(
      { private: true, type: 'module', dependencies: { ...tarballs, ...more }, overrides: tarballs },
      null,
      2,
    ),
  );
  run('npm', ['install', '--no-audit', '--no-fund', ...(scripts ? [] : ['--ignore-scripts'])], {
    cwd: folder,
    env,
    timeout: 6 * MINUTE,
  });
  const copies = run('npm', ['ls', '--all', '--parseable', '@taskhub/core'], { cwd: folder, env })
    .trim()
    .split('\n');
  if (copies.length !== 1) throw new Error(`more than one copy of @taskhub/core:\n${copies.join('\n')}`);
}
