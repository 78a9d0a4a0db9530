// The Merkle root names the data: the same data is the same task, whatever its order; new data reuses old results.
import { computeMerkleRoot, createTaskHub, defineTask, generateJobId } from '@shelchin/taskhub';
import { dataFile } from './data-file.ts';
import { startLimitedApi } from './limited-api.ts';

const api = await startLimitedApi({ answer: ({ record }) => ({ upper: record.toUpperCase() }) });

const upperCase = defineTask<{ word: string }, string>({
  name: 'upper-case',
  async handler({ word }, ctx) {
    const response = await ctx.fetch(`${api.url}/words/${word}`);
    return ((await response.json()) as { upper: string }).upper;
  },
});
const words = [{ word: 'ash' }, { word: 'birch' }, { word: 'cedar' }];

const hub = await createTaskHub({ dbPath: dataFile('deterministic.db') });
const first = await hub.createTask(upperCase, { inputs: words });
const { ran } = await first.start();
console.log(`first: ${ran} ran, root ${first.merkleRoot?.slice(0, 16)}…`);

// Another order, and one twice: the same data, so the same task, with all its results.
const again = await hub.createTask(upperCase, { inputs: [...words.toReversed(), { word: 'ash' }] });
console.log(`same task: ${again.id === first.id}, created: ${again.created}, status: ${again.status}`);

// The root can be computed before anything is created.
const root = await computeMerkleRoot(await Promise.all(words.map((word) => generateJobId(word))));
console.log(`root known before: ${root === first.merkleRoot}`);
console.log(`found by root: ${(await hub.findTaskByMerkleRoot(root))?.name}`);

// Other data is another task. With `reuse` it takes over what is the same and runs only the rest.
const more = await hub.createTask({ ...upperCase, reuse: true }, { inputs: [...words, { word: 'elm' }] });
const summary = await more.start();
console.log(`more: ${summary.total} jobs, ${summary.reused} reused, ${summary.ran} ran`);

const { added } = await hub.diff(first.id, more.id);
for await (const id of added) console.log(`added: ${id.slice(0, 16)}…`);

await hub.close();
await api.close();
