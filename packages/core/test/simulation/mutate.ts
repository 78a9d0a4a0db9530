// Plants one fault after the other into a copy of the source and lets simulations look for it.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANTS, type Mutant } from './mutants.js';

const core = fileURLToPath(new URL('../..', import.meta.url));
/** Inside the package, so that its dependencies are found. */
const copies = join(core, 'test-results', 'mutants');
/** A mutant may hang for good in one simulation: that is found as well. */
const PATIENCE_MS = 60_000;

export interface Verdict {
  name: string;
  killed: boolean;
  /** How it was found. */
  by: string;
}

/** The source with a fault in it. @throws Error when the place is not there exactly once */
export function mutated({ name, patches }: Mutant): Map<string, string> {
  const files = new Map<string, string>();
  for (const { file, find, replace } of patches) {
    const text = files.get(file) ?? readFileSync(join(core, 'src', file), 'utf8');
    const parts = text.split(find);
    if (parts.length !== 2) throw new Error(`"${name}": ${parts.length - 1} places in ${file} read: ${find}`);
    files.set(file, parts.join(replace));
  }
  return files;
}

/** Runs up to `runs` simulations of a mutant, until one finds it. */
export async function hunt(mutant: Mutant, runs: number): Promise<Verdict> {
  const copy = join(copies, mutant.name.replaceAll(/\W+/g, '-'));
  try {
    rmSync(copy, { recursive: true, force: true });
    mkdirSync(copy, { recursive: true });
    cpSync(join(core, 'src'), join(copy, 'src'), { recursive: true });
    cpSync(join(core, 'test', 'simulation'), join(copy, 'test', 'simulation'), { recursive: true });
    for (const [file, text] of mutated(mutant)) writeFileSync(join(copy, 'src', file), text);
    return { name: mutant.name, ...(await verdictOf(join(copy, 'test', 'simulation', 'main.ts'), runs)) };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function verdictOf(program: string, runs: number): Promise<Omit<Verdict, 'name'>> {
  const args = ['--import', 'tsx', program, '--runs', String(runs), '--json', '--until-failed'];
  const child = spawn(process.execPath, args, { cwd: core, stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString();
  });
  const hangs = (): NodeJS.Timeout => setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  let timer = hangs();
  child.stderr.on('data', (piece: Buffer) => {
    errors += piece.toString();
    clearTimeout(timer);
    timer = hangs();
  });
  const signal = await new Promise((resolve) => child.on('close', (_code, by) => resolve(by)));
  clearTimeout(timer);
  if (signal !== null) return { killed: true, by: `one simulation hangs for ${PATIENCE_MS / 1000} s` };
  if (output === '') throw new Error(`a mutant that does not run proves nothing: ${errors}`);
  const [first] = (JSON.parse(output) as { failed: { seed: number; problems: string[] }[] }).failed;
  return {
    killed: first !== undefined,
    by: first === undefined ? '' : `seed ${first.seed}: ${first.problems[0]}`,
  };
}

/** Hunts all of them, one after the other. */
export async function huntAll(runs: number, found: (verdict: Verdict) => void): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const mutant of MUTANTS) {
    const verdict = await hunt(mutant, runs);
    found(verdict);
    verdicts.push(verdict);
  }
  return verdicts;
}
