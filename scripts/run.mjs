// node scripts/run.mjs FOLDER [NAME] [arguments]: runs FOLDER/NAME.ts in a process of its own; without a name, lists them
// with the first sentence of each.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [folder, ...rest] = process.argv.slice(2);
// `pnpm demo -- --records 100` hands the `--` through.
const separator = rest.indexOf('--');
if (separator !== -1) rest.splice(separator, 1);
const [name, ...args] = rest;
const root = fileURLToPath(new URL('..', import.meta.url));
const file = join(root, folder, `${name}.ts`);

if (name === undefined || !existsSync(file)) {
  const names = readdirSync(join(root, folder))
    .filter((entry) => entry.endsWith('.ts') && !entry.endsWith('.config.ts'))
    .map((entry) => entry.slice(0, -'.ts'.length));
  if (name !== undefined) console.error(`There is no ${folder}/${name}.ts.`);
  const width = Math.max(...names.map((each) => each.length));
  const lines = names.map((each) => `${each.padEnd(width)}  ${firstSentence(each)}`);
  console.log([`In ${folder}:`, ...lines].join('\n  '));
  process.exit(name === undefined ? 0 : 1);
}

function firstSentence(each) {
  const [line = ''] = readFileSync(join(root, folder, `${each}.ts`), 'utf8').split('\n');
  return line.match(/^\/\/ (.*?[.?])( |$)/)?.[1] ?? '';
}

// --expose-gc: a program that measures its heap collects garbage first.
const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', file, ...args], {
  stdio: 'inherit',
});
// Ctrl-C reaches the child too, which may take a moment to stop in good order; a signal sent to us alone is passed on.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});
