// Is the cost of a job the same at every size? `node scripts/plot-cost.mjs` draws the answer for docs/performance.md.
import { runDurable } from './lib/batch.ts';
import { ask } from './lib/measure.ts';

/** What share of the jobs each case runs. */
const SHARES = [1 / 1000, 1 / 300, 1 / 100, 1 / 30, 1 / 10, 1 / 3, 1];
const FEW_RUNS_FROM = 1 / 3;

await ask(import.meta.url, {
  question: 'Is the cost of a job the same at every size?',
  sizes: { jobs: 3_000_000 },
  quick: { jobs: 10_000 },
  runs: 3,
  cases: Object.fromEntries(
    SHARES.map((share) => [
      `1/${Math.round(1 / share)} of the jobs`,
      {
        run: async ({ jobs }: { jobs: number }, folder: string) => {
          const size = Math.round(jobs * share);
          return { jobs: size, ...(await runDurable(size, folder)) };
        },
        ...(share >= FEW_RUNS_FROM && { runs: 1 }),
      },
    ]),
  ),
  targets: [],
});
