// A process that creates and runs one task, to be killed at any moment. Every call of the handler leaves a line in
// the journal, which survives the process.
import { appendFileSync, openSync } from 'node:fs';
import { createTaskHub } from '../dist/index.js';

const [dbPath, journalPath, jobs] = process.argv.slice(2);
const journal = openSync(journalPath, 'a');

let runs = false;

const hub = await createTaskHub({ dbPath });
const task = await hub.createTask({
  name: 'killed',
  concurrency: { min: 10, max: 10, initial: 10 },
  // A process that is killed 20 times may hit one job often; this test is not about that.
  retry: { maxCrashes: 100 },
  source: {
    type: 'deterministic',
    getData: () => Array.from({ length: Number(jobs) }, (_, n) => ({ n, text: `record ${n}` })),
    async handler({ n }) {
      if (!runs) process.stdout.write('runs\n');
      runs = true;
      appendFileSync(journal, `${n}\n`);
      await new Promise((resolve) => setTimeout(resolve, 4));
      return n * 2;
    },
  },
});
const summary = await task.start();
await hub.close();
process.stdout.write(JSON.stringify(summary));
