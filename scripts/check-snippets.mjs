// node scripts/check-snippets.mjs
//
// Fails unless every ```ts block of the READMEs and of docs/ stands in a file that is run by the tests. The block names
// the file in a comment on the line before it, <!-- examples/basic.ts -->, and its lines stand there as they are, one
// after the other, at whatever indentation.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs')).map((name) => join('docs', name)),
  ...readdirSync(join(root, 'packages')).map((name) => join('packages', name, 'README.md')),
].filter((page) => page.endsWith('.md') && existsSync(join(root, page)));

/** Lines without the indentation that all of them share. */
function dedent(lines) {
  const filled = lines.filter((line) => line.trim() !== '');
  const shared = Math.min(...filled.map((line) => line.length - line.trimStart().length));
  return lines.map((line) => line.slice(shared).trimEnd()).join('\n');
}

function holds(file, block) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  const wanted = dedent(block);
  return lines.some((_, i) => dedent(lines.slice(i, i + block.length)) === wanted);
}

const problems = [];
let count = 0;
for (const page of pages) {
  const lines = readFileSync(join(root, page), 'utf8').split('\n');
  for (let i = 0; i < lines.length; i++) {
    const fence = /^(\s*)```(\w*)/.exec(lines[i]);
    if (fence === null) continue;
    const end = lines.findIndex((line, j) => j > i && line.trim() === '```');
    const block = lines.slice(i + 1, end);
    if (['ts', 'typescript', 'js', 'javascript', 'tsx'].includes(fence[2])) {
      count += 1;
      const file = /<!--\s*(\S+)\s*-->/.exec(lines[i - 1] ?? '')?.[1];
      if (file === undefined) problems.push(`${page}:${i + 1}: the block names no file`);
      else if (!existsSync(join(root, file))) problems.push(`${page}:${i + 1}: there is no ${file}`);
      else if (!holds(file, block)) problems.push(`${page}:${i + 1}: the block does not stand in ${file}`);
    }
    i = end;
  }
}
for (const problem of problems) console.error(problem);
console.log(`${count} snippets in ${pages.length} pages, ${problems.length} not to be found`);
process.exitCode = problems.length > 0 ? 1 : 0;
