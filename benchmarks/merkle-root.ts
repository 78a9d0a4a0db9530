// What does the root over a million ids cost? Added one by one as they are read, then sorted and hashed.
import { NodeSQLiteAdapter, type Sha256 } from '@shelchin/taskhub';
import { HashList } from '../packages/core/src/hash-list.ts';
import { ask, type Figures, liveHeap, perJob } from './lib/measure.ts';

const MB = 1024 * 1024;
/** The one that the store brings; it is not opened. */
const native = new NodeSQLiteAdapter().sha256 as Sha256;

async function rootOf(leaves: number, hashWith: Sha256 | undefined): Promise<Figures> {
  const heapBefore = liveHeap();
  const { arrayBuffers: outsideBefore } = process.memoryUsage();
  let most = { heap: 0, outside: 0 };
  const sample = (): void => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    most = { heap: Math.max(most.heap, heapUsed), outside: Math.max(most.outside, arrayBuffers) };
  };
  let live = 0;
  const { cpuMicrosPerJob } = await perJob(1, async () => {
    const list = new HashList();
    for (let i = 0; i < leaves; i++) list.push(native(String(i)));
    let turns = 0;
    const turn = async (): Promise<void> => {
      sample();
      if (++turns === 500) live = liveHeap();
      await new Promise(setImmediate);
    };
    const { unique } = await list.root({ turn, hash: hashWith });
    if (unique !== leaves) throw new Error(`${unique} leaves`);
  });
  return {
    cpuSeconds: cpuMicrosPerJob / 1e6,
    liveHeapMB: Math.max(0, live - heapBefore) / MB,
    heapWithGarbageMB: Math.max(0, most.heap - heapBefore) / MB,
    outsideHeapMB: (most.outside - outsideBefore) / MB,
  };
}

await ask(import.meta.url, {
  question: 'What does the root over a million ids cost?',
  sizes: { leaves: 1_000_000 },
  quick: { leaves: 10_000 },
  runs: 3,
  cases: {
    'native hash': { run: ({ leaves }) => rootOf(leaves, native) },
    'hash in JavaScript': { run: ({ leaves }) => rootOf(leaves, undefined) },
  },
  targets: [
    { name: 'live heap, MB', value: (of) => of('native hash', 'liveHeapMB'), atMost: 10 },
    { name: 'outside the heap, MB', value: (of) => of('native hash', 'outsideHeapMB'), atMost: 50 },
    { name: 'CPU s, native hash', value: (of) => of('native hash', 'cpuSeconds'), atMost: 5 },
    { name: 'CPU s, hash in JavaScript', value: (of) => of('hash in JavaScript', 'cpuSeconds'), atMost: 5 },
  ],
});
