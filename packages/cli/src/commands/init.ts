// `taskhub init`: a job file to begin with.
import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { EXIT, type ExitCode } from '../exit-codes.js';
import type { Terminal } from '../terminal.js';
import { UsageError } from '../usage-error.js';

const jobFile = (
  isTypeScript: boolean,
): string => `// What to do with one row. Run it: taskhub run ${isTypeScript ? 'job.ts' : 'job.mjs'} --in rows.csv --out results.jsonl
import { defineTask } from '@shelchin/taskhub';
${isTypeScript ? '\ninterface Row {\n  id: string;\n}\n' : ''}
export default defineTask({
  // With the rows, the name says which task this is: the same again goes on where it was.
  name: 'my-job',

  // Change it when the results change their meaning: results of another version are not mixed with new ones.
  // version: '1',

  // Called for each row of the input. What it returns is recorded; what it throws decides:
  // HTTP 429 and 503 wait and slow down, network errors and 5xx are tried again, anything else has failed.
  async handler(row${isTypeScript ? ': Row' : ''}, ctx) {
    // ctx.fetch is fetch that tells TaskHub about limits, and throws when the answer is not ok.
    const response = await ctx.fetch(\`https://example.com/?id=\${encodeURIComponent(row.id)}\`);
    return { id: row.id, length: (await response.text()).length };
  },

  // Calls at once: TaskHub finds out how many a service takes, between these bounds.
  concurrency: { min: 1, max: 50 },
  // Longest time of one call, in ms.
  timeout: 30_000,
  retry: { maxAttempts: 3 },
});
`;

export async function init(path: string, terminal: Terminal): Promise<ExitCode> {
  try {
    await writeFile(path, jobFile(/\.m?ts$/.test(extname(path))), { flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(
      code === 'EEXIST' ? `${path} is there already.` : `${path} cannot be written: ${message}`,
    );
  }
  terminal.say(`${path} is written. Next: taskhub run ${path} --in FILE --sample 20`);
  return EXIT.completed;
}
