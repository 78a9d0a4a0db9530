// A local-first app keeps changes in an outbox and sends them when the network is there: each one once, in any run.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createTaskHub, defineTask } from '@shelchin/taskhub';
import { dataFile } from './data-file.ts';
import { startLimitedApi } from './limited-api.ts';

interface Change {
  id: string;
  text: string;
}

const file = dataFile('outbox.json');
const changes: Change[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
let server: string;

// Node puts the code on the cause of a failed fetch, Bun on the error itself, under a name of its own.
function isOffline(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: { code?: string } };
  return ['ECONNREFUSED', 'ConnectionRefused'].includes(cause?.code ?? code ?? '');
}

const outbox = defineTask({
  name: 'outbox',
  type: 'dynamic',
  id: 'changes-of-this-device',
  getData: () => changes,
  getJobId: (change: Change) => change.id,
  async handler(change: Change, ctx) {
    await ctx.fetch(`${server}/changes/${change.id}`, { method: 'PUT', body: JSON.stringify(change) });
  },
  halt: { when: isOffline }, // no network: leave everything for later, without spending attempts
});

for (let i = 0; i < 3; i++) changes.push({ id: `change-${changes.length + 1}`, text: 'edited' });
writeFileSync(file, JSON.stringify(changes));

const hub = await createTaskHub({ dbPath: dataFile('outbox.db') });
const api = await startLimitedApi();
await api.close(); // nobody listens there any more
server = api.url;
const task = await hub.createTask(outbox);
const offline = await task.start();
console.log(`offline: ${offline.halted?.code}, ${offline.completed} sent, ${offline.failed} failed`);

const online = await startLimitedApi();
server = online.url;
const { total, completed, ran } = await task.start();
console.log(`online: ${ran} sent now, ${completed} of ${total} in all, ${online.stats().requests} calls`);
await hub.close();
await online.close();
