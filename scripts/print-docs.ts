// tsx scripts/print-docs.ts [--check]
//
// Prints the pages of docs/ that are tables of the code: state-machine.md and errors.md. With --check nothing is
// written, and it fails when a page is not what would be printed.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES } from '../packages/core/src/errors.ts';
import { JOB_TRANSITIONS } from '../packages/core/src/job-state.ts';
import { TASK_TRANSITIONS } from '../packages/core/src/task-state.ts';

/** A table as the formatter leaves it: columns as wide as their widest cell. */
function table(head: string[], body: string[][]): string {
  const rows = [head, ...body].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [first = [], ...others] = rows;
  return [line(first), line(widths.map((width) => '-'.repeat(width))), ...others.map(line)].join('\n');
}

const printed = (from: string): string =>
  `<!-- Printed from ${from} by scripts/print-docs.ts. Do not edit. -->`;
const change = (by: number | 'zero'): string =>
  by === 'zero' ? '0' : by === 0 ? '' : by > 0 ? `+${by}` : `−${-by}`;
const code = (text: string): string => `\`${text}\``;

const taskEdges = Object.entries(TASK_TRANSITIONS).flatMap(([name, { from, to }]) =>
  from.filter((status) => status !== to).map((status) => `  ${status} --> ${to}: ${name}`),
);
const jobEdges = Object.entries(JOB_TRANSITIONS).map(
  ([name, { from, to }]) => `  ${from} --> ${to}: ${name}`,
);

const stateMachine = `${printed('packages/core/src/task-state.ts and job-state.ts')}

# States

Each change is one transaction of the store, which writes it only if the status is still one it may come from. So two
processes that command one task cannot undo each other, and a status read anywhere is one that was true.

## Tasks

${table(
  ['Transition', 'From', 'To', 'When'],
  Object.entries(TASK_TRANSITIONS).map(([name, { from, to, when }]) => [
    name,
    from.map(code).join(', '),
    code(to),
    when,
  ]),
)}

\`ingesting\` is never seen through the API: it is a deterministic task whose data is still being read. One that a dead
process left behind is deleted when a hub opens the store. A task that is stored as \`running\` and that no living process
runs was left so by a crash; \`createTask\`, \`getTask\` and \`resumeTask\` show it as \`paused\`.

\`\`\`mermaid
stateDiagram-v2
  [*] --> ingesting: deterministic
  [*] --> idle: dynamic
${taskEdges.join('\n')}
\`\`\`

## Jobs

${table(
  ['Transition', 'From', 'To', code('attempts'), code('throttles'), 'crashes', 'When'],
  Object.entries(JOB_TRANSITIONS).map(([name, { from, to, attempts, throttles, crashes, when }]) => [
    name,
    code(from),
    code(to),
    change(attempts),
    attempts === 'zero' ? '0' : change(throttles),
    attempts === 'zero' ? '0' : change(crashes),
    when,
  ]),
)}

The retry budget is spent by \`attempts − throttles\`: refusals cost nothing, what a crash interrupted stays spent, what
\`stop()\` or \`close()\` interrupted is given back. A job that was \`maxCrashes\` times in a process that died fails as
\`JOB_POISONED\` instead of running again.

\`\`\`mermaid
stateDiagram-v2
  [*] --> pending
${jobEdges.join('\n')}
  completed --> [*]
\`\`\`
`;

const errors = `${printed('packages/core/src/errors.ts')}

# Errors

Every error that TaskHub raises itself is a \`TaskHubError\` with one of these codes in \`error.code\`, the values of its
message as plain data in \`error.details\` and, where there is one, the error behind it in \`error.cause\`. Codes change only
in a major version; messages may improve at any time. \`isTaskHubError(error, 'STORAGE_FULL')\` also recognizes errors of
another copy of the package. A wrong argument of an internal call is a \`TypeError\`: a bug to fix, not a case to catch.

\`ctx.fetch\` throws an \`HttpError\`, which is a \`TaskHubError\` with \`status\`, \`headers\` and the start of the \`body\`.
An \`Error\` that a handler throws is never wrapped: \`job:failed\` gets the very same, and the job keeps its name,
message, \`code\` and \`status\`. Anything else that is thrown comes as the \`cause\` of an \`Error\`.

${table(
  ['Code', 'Meaning'],
  Object.entries(ERROR_CODES).map(([name, meaning]) => [code(name), meaning]),
)}
`;

let stale = 0;
for (const [name, text] of Object.entries({ 'state-machine.md': stateMachine, 'errors.md': errors })) {
  const file = fileURLToPath(new URL(`../docs/${name}`, import.meta.url));
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    console.error(`docs/${name} is not what the code says. Run: pnpm exec tsx scripts/print-docs.ts`);
    stale += 1;
  }
}
process.exitCode = stale === 0 ? 0 : 1;
