// The adaptive controller beside plain AIMD and fixed numbers of calls at once.
import type { Scenario } from '@taskhub/core/testing';
import { columns, percent, type Row, rowOf } from './table.ts';
import type { Order, Outcome, Policy } from './worker.ts';

/** A run and what came of it. */
export type Run = Order & { outcome: Outcome };

/** Numbers among which the best fixed one is looked for. */
const NUMBERS = [1, 2, 3, 5, 8, 12, 18, 25, 35, 50, 100, 200, 500];

/** What is run beside the adaptive controller. Fixed numbers are run on the first seed only: there are many of them. */
export function othersOf(scenario: Scenario, seeds: readonly number[]): Order[] {
  const numbers = new Set([5, 50, ...NUMBERS, scenario.maxConcurrency]);
  const fixed = [...numbers].filter((n) => n <= Math.max(50, scenario.maxConcurrency));
  return [
    ...seeds.map((seed): Order => ({ scenario, seed, policy: 'aimd' })),
    ...fixed.map((policy): Order => ({ scenario, seed: seeds[0] ?? 1, policy })),
  ];
}

/** The rows of a scenario: AIMD, two fixed numbers, and the best of all: loses nothing, then the shortest. */
export function comparison(runs: readonly Run[]): { aimd: Row; fixed5: Row; fixed50: Row; best: Row } {
  const row = (id: string, wanted: Policy): Row =>
    rowOf(
      id,
      runs.filter(({ policy }) => policy === wanted).map(({ outcome }) => outcome),
    );
  const numbers = new Set(runs.flatMap(({ policy }) => (typeof policy === 'number' ? policy : [])));
  const [best = row('fixed 5', 5)] = [...numbers]
    .map((n) => row(`fixed ${n}`, n))
    .sort((a, b) => a.failed - b.failed || a.ratio - b.ratio);
  return { aimd: row('aimd', 'aimd'), fixed5: row('fixed 5', 5), fixed50: row('fixed 50', 50), best };
}

/** time / refused / lost, for each way. */
export function comparisonTable(results: readonly { row: Row; runs: readonly Run[] }[]): string {
  const cell = ({ ratio, waste, failed }: Row): string =>
    `${ratio.toFixed(2)} ${percent(waste, 1).padStart(7)}${failed > 0 ? ` ${failed} lost` : ''}`;
  const lines = results.map(({ row, runs }) => {
    const { aimd, fixed5, fixed50, best } = comparison(runs);
    return [
      row.id,
      cell(row),
      cell(aimd),
      cell(fixed5),
      cell(fixed50),
      `${cell(best)} (${best.id.slice(6)})`,
    ];
  });
  return columns([['time, refused', 'adaptive', 'aimd', 'fixed 5', 'fixed 50', 'best fixed'], ...lines]);
}
