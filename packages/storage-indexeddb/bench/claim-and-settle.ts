// How many jobs per second does IndexedDB claim and settle, in groups of 100 and of fewer?
//
// pnpm --filter @taskhub/storage-indexeddb bench [ROUNDS]
import { cpus } from 'node:os';
import process from 'node:process';
import { startSite } from 'tabs/site';
import { hasChromium } from '../../../vitest.chromium.ts';
import type { Round } from './in-page.ts';

declare function round(
  jobs: number,
  group: number,
  hold: number,
  durability: 'relaxed' | 'strict',
): Promise<Round>;

const CASES = [
  { durability: 'relaxed', group: 100, hold: 100, jobs: 10_000 },
  { durability: 'strict', group: 100, hold: 100, jobs: 10_000 },
  { durability: 'relaxed', group: 10, hold: 10, jobs: 2_000 },
  { durability: 'relaxed', group: 1, hold: 1, jobs: 300 },
  { durability: 'relaxed', group: 1, hold: 500, jobs: 800 },
] as const;

if (!hasChromium('bench')) process.exit(1);
const rounds = Number(process.argv[2] ?? 5);
const site = await startSite(new URL('./in-page.ts', import.meta.url));
try {
  const page = await site.openTab();
  console.log(
    `${cpus()[0]?.model}, ${cpus().length} cores; ${await page.evaluate(() => navigator.userAgent)}`,
  );
  const results = CASES.map(() => [] as Round[]);
  // Interleaved, so that what else the machine does meets all cases alike.
  for (let at = 0; at < rounds; at += 1) {
    for (const [which, one] of CASES.entries()) {
      const result = await page.evaluate((c) => round(c.jobs, c.group, c.hold, c.durability), one);
      results[which]?.push(result);
    }
  }
  for (const [which, { durability, group, hold, jobs }] of CASES.entries()) {
    const of = (name: keyof Round): string => spread((results[which] ?? []).map((result) => result[name]));
    console.log(
      `${durability}, groups of ${group}, ${hold} in hand, ${jobs} jobs: claim+settle ${of('exchange')} jobs/s, insert ${of('insert')} jobs/s`,
    );
  }
} finally {
  await site.end();
}

/** Median, lowest and highest. */
function spread(values: number[]): string {
  const sorted = values.map(Math.round).sort((a, b) => a - b);
  return `${sorted[Math.floor(sorted.length / 2)]} (${sorted[0]} to ${sorted.at(-1)})`;
}
