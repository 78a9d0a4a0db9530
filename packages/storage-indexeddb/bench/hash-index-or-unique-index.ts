// Should de-duplication while ingesting be a unique index of IndexedDB, or a HashIndex in memory?
//
// npx tsx bench/hash-index-or-unique-index.ts [JOBS]
import process from 'node:process';
import { startSite } from 'tabs/site';

declare function ingest(jobs: number, way: string): Promise<number>;

const WAYS = ['none', 'HashIndex', 'unique index'];
const jobs = Number(process.argv[2] ?? 50_000);
const site = await startSite(new URL('./dedup-in-page.ts', import.meta.url));
try {
  const page = await site.openTab();
  const times = WAYS.map(() => [] as number[]);
  for (let round = 0; round < 3; round += 1) {
    for (const [at, way] of WAYS.entries()) {
      times[at]?.push(await page.evaluate(([n, w]) => ingest(n, w), [jobs, way] as const));
    }
  }
  for (const [at, way] of WAYS.entries()) {
    const median = (times[at] ?? []).sort((a, b) => a - b)[1] ?? Number.NaN;
    console.log(`${way}: ${((median / jobs) * 1000).toFixed(1)} µs per job (median of 3, ${jobs} jobs)`);
  }
} finally {
  await site.end();
}
