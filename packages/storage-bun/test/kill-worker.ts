// A process that creates and runs one task, to be killed at any moment. Every call of the handler leaves a line in
// the journal, which survives the process.
import { appendFileSync, openSync } from 'node:fs';
import process from 'node:process';
import { defineTask, Hub } from '@taskhub/core';
import { BunSQLiteAdapter } from '../src/index.js';

const [dbPath = '', journalPath = '', jobs] = process.argv.slice(2);
const journal = openSync(journalPath, 'a');
let runs = false;

const killed = defineTask({
  name: 'killed',
  concurrency: { min: 10, max: 10, initial: 10 },
  // A process that is killed 20 times may hit one job often; this test is not about that.
  retry: { maxCrashes: 100 },
  getData: () => Array.from({ length: Number(jobs) }, (_, n) => ({ n, text: `record ${n}` })),
  async handler({ n }) {
    if (!runs) process.stdout.write('runs\n');
    runs = true;
    appendFileSync(journal, `${n}\n`);
    await new Promise((resolve) => setTimeout(resolve, 4));
    return n * 2;
  },
});

const hub = new Hub(new BunSQLiteAdapter(dbPath));
const task = await hub.createTask(killed);
const summary = await task.start();
await hub.close();
process.stdout.write(JSON.stringify({ ...summary, bun: process.versions.bun }));
