// One process of the hunt, run by main.ts with: how many mutants were tried before, of how many each one, the parts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { mutationsOf } from './mutations.js';
import { PARTS } from './parts.js';
import { firstFailure } from './test-bench.js';

/** What became of one mutant. */
export interface Judged {
  file: string;
  line: number;
  from: string;
  to: string;
  state: 'killed' | 'timeout' | 'survived';
  /** The first test that failed. */
  by?: string | undefined;
}

const core = fileURLToPath(new URL('../..', import.meta.url));
const [tried = '0', every = '1', ...parts] = process.argv.slice(2);

// The compiler, which sees mutants in place of their files.
const mutants = new Map<string, { text: string; version: number }>();
let language: ts.LanguageService | undefined;

/** Whether the compiler finds nothing wrong with a file if this is its text. */
function doesTypeCheck(file: string, text: string): boolean {
  mutants.set(file, { text, version: (mutants.get(file)?.version ?? 0) + 1 });
  language ??= compiler();
  const problems = [language.getSyntacticDiagnostics(file), language.getSemanticDiagnostics(file)].flat();
  mutants.set(file, { text: readFileSync(file, 'utf8'), version: (mutants.get(file)?.version ?? 0) + 1 });
  return problems.length === 0;
}

function compiler(): ts.LanguageService {
  const config = ts.getParsedCommandLineOfConfigFile(join(core, 'tsconfig.json'), undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(String(messageText));
    },
  });
  if (config === undefined) throw new Error('tsconfig.json cannot be read');
  const read = (path: string): string | undefined => mutants.get(path)?.text ?? ts.sys.readFile(path);
  return ts.createLanguageService({
    getScriptFileNames: () => [...mutants.keys()],
    getScriptVersion: (path) => String(mutants.get(path)?.version ?? 0),
    getScriptSnapshot: (path) => {
      const content = read(path);
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
    },
    getCurrentDirectory: () => core,
    getCompilationSettings: () => config.options,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: read,
  });
}

/** Where two texts differ, with a little of what surrounds it. */
function difference(a: string, b: string): [string, string] {
  const around = 12;
  let [first, tail] = [0, 0];
  while (first < Math.min(a.length, b.length) && a[first] === b[first]) first += 1;
  while (tail < Math.min(a.length, b.length) - first && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const cut = (piece: string): string =>
    piece.slice(Math.max(0, first - around), piece.length - Math.max(0, tail - around));
  return [cut(a), cut(b)];
}

/** Test files that pass without a mutant. */
const isSound = new Set<string>();

/** Tries the mutants of one file, but for the first `skipped` ones. */
async function tryAll(name: string, tests: readonly string[], skipped: number): Promise<number> {
  const file = join(core, 'src', name);
  const text = readFileSync(file, 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const sample = mutationsOf(source).filter((_, at) => at % Number(every) === 0);
  if (skipped >= sample.length) return sample.length;
  // The likely ones first: a test file moves to the front when it has found a mutant.
  let testFiles = tests.map((test) => join(core, 'test', test));
  for (const test of testFiles) {
    const problem = isSound.has(test) ? undefined : await firstFailure([test], file, text);
    if (problem !== undefined)
      throw new Error(`${test} fails without a mutant: ${problem.test}`, { cause: problem.error });
    isSound.add(test);
    process.send?.({}); // a sign of life
  }
  for (const { start, end, text: piece } of sample.slice(skipped)) {
    const [from, to] = difference(text.slice(start, end), piece);
    const line = source.getLineAndCharacterOfPosition(start).line + 1;
    // Until a test has noticed it, it is one that never ends: then main.ts ends this process.
    process.send?.({ file: name, line, from, to, state: 'timeout' } satisfies Judged);
    const mutant = text.slice(0, start) + piece + text.slice(end);
    const failure = await firstFailure(testFiles, file, mutant);
    if (failure !== undefined)
      testFiles = [failure.file, ...testFiles.filter((each) => each !== failure.file)];
    const isFound = failure !== undefined || !doesTypeCheck(file, mutant);
    process.send?.(
      isFound ? { state: 'killed', by: failure?.test ?? 'the compiler' } : { state: 'survived' },
    );
  }
  return sample.length;
}

let before = 0;
for (const part of parts) {
  for (const [name, tests] of Object.entries(PARTS[part] ?? {})) {
    before += await tryAll(name, tests, Math.max(0, Number(tried) - before));
  }
}
process.disconnect?.();
process.exit(0); // whatever a mutant has left running
