// A program for any runtime: works on one task until `most` jobs have been done by this process, then stops.
// Prints what it used and did, as JSON, and ends by itself. `entry` is what it imports, by its name.
import { appendFileSync } from 'node:fs';
import process from 'node:process';

const [dbPath, journal, most, entry] = process.argv.slice(2);
const { createTaskHub } = await import(entry);
let calls = 0;

const hub = await createTaskHub({ dbPath });
const task = await hub.createTask({
  name: 'passed on',
  concurrency: { max: 1 },
  source: {
    type: 'deterministic',
    getData: () => Array.from({ length: 60 }, (_, n) => ({ n, text: `né ${n} 😀` })),
    async handler({ n, text }) {
      appendFileSync(journal, `${n}\n`);
      if (++calls === Number(most)) void task.stop();
      return { n, length: text.length };
    },
  },
});
const { created, merkleRoot } = task;
const { status, ran } = await task.start();
const results = await task.getResults({ status: 'completed' });
const { name, reason } = hub.storage;
await hub.close();

const { bun, deno, node } = process.versions;
const runtime = bun ? 'bun' : deno ? 'deno' : 'node';
const outputs = results.map(({ input, output }) => [input.n, output.n, output.length]);
console.log(
  JSON.stringify({
    runtime,
    version: bun ?? deno ?? node,
    name,
    reason,
    created,
    merkleRoot,
    status,
    ran,
    outputs,
  }),
);
