// pnpm mutation [PART ...] [--every N] [--json]: changes the source in one place at a time, and runs the tests that should
// notice. With --every 10, a tenth of the mutants.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PARTS } from './parts.js';
import type { Judged } from './try-mutants.js';

const { values, positionals } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== '--'),
  options: { every: { type: 'string', default: '1' }, json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const known = Object.keys(PARTS);
if (!positionals.every((name) => known.includes(name))) throw new Error(`the parts are ${known.join(', ')}`);

const parts = positionals.length > 0 ? positionals : known;
const program = fileURLToPath(new URL('./try-mutants.ts', import.meta.url));
/** A process of which nothing is heard for so long runs in a circle, ms. */
const PATIENCE_MS = 180_000;

/** Tries all mutants, or as many as there is time for until Ctrl-C; after one that hangs the next process goes on. */
async function tryAll(tell: (mutant: Judged) => void): Promise<Judged[]> {
  const judged: Judged[] = [];
  let isStopped = false;
  for (;;) {
    const before = judged.length;
    const args = ['--import', 'tsx', program, String(before), values.every, ...parts];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const stop = (): void => {
      isStopped = true;
      child.kill('SIGKILL');
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
    const expire = (): NodeJS.Timeout => setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    let timer = expire();
    child.on('message', (news: Partial<Judged>) => {
      clearTimeout(timer);
      timer = expire();
      const last = judged.at(-1);
      if (news.file !== undefined) judged.push(news as Judged);
      else if (news.state !== undefined && last !== undefined) tell(Object.assign(last, news));
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    clearTimeout(timer);
    process.off('SIGINT', stop).off('SIGTERM', stop);
    if (isStopped && judged.at(-1)?.state === 'timeout') judged.pop(); // not judged yet
    if (isStopped || code === 0) return judged;
    if (judged.length === before) throw new Error(`the tests do not run, exit ${code}`);
  }
}

function score(judged: readonly Judged[]): string {
  const count = (state: Judged['state']): number => judged.filter((mutant) => mutant.state === state).length;
  const [killed, timeout, survived] = [count('killed'), count('timeout'), count('survived')];
  const share = ((100 * (killed + timeout)) / judged.length).toFixed(1);
  return `${share} % of ${judged.length} (${killed} killed, ${timeout} timed out, ${survived} survived)`;
}

const all = await tryAll(({ file, line, from, to, state }) => {
  if (!values.json && state === 'survived')
    console.log(`${file}:${line}: ${from}  ->  ${to}`.replaceAll(/\s+/g, ' '));
});
if (values.json) console.log(JSON.stringify(all, null, 2));
else {
  for (const part of parts) {
    const files = Object.keys(PARTS[part] ?? {});
    for (const name of files) console.log(`  ${name}: ${score(all.filter(({ file }) => file === name))}`);
    console.log(`${part}: ${score(all.filter(({ file }) => files.includes(file)))}`);
  }
}
