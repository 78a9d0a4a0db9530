// What several runs of a scenario say, and how it is shown.
import type { Outcome } from './worker.ts';

/** Medians over the seeds; `failed` is the most of them, as one lost job is one too many. */
export interface Row {
  id: string;
  ratio: number;
  /** Share of the calls, 0 to 1. */
  waste: number;
  failed: number;
  jain?: number;
}

/** What was set as a goal for a row: at most, for `jain` at least. */
export interface Target {
  ratio: number;
  waste: number;
  jain?: number;
}

export function rowOf(id: string, outcomes: readonly Outcome[]): Row {
  const fair = outcomes.flatMap(({ jain }) => jain ?? []);
  return {
    id,
    ratio: rounded(median(outcomes.map(({ ratio }) => ratio))),
    waste: rounded(median(outcomes.map(({ waste }) => waste))),
    // A run that was given up has lost what it has not done.
    failed: Math.max(...outcomes.map(({ failed, unfinished }) => failed + unfinished)),
    ...(fair.length > 0 && { jain: rounded(median(fair)) }),
  };
}

export function table(rows: readonly Row[], targets: Readonly<Record<string, Target>>): string {
  const lines = rows.map((row) => {
    const target = targets[row.id];
    return [
      row.id,
      row.ratio.toFixed(3),
      target?.ratio.toFixed(2) ?? '',
      percent(row.waste),
      target === undefined ? '' : percent(target.waste, 1),
      String(row.failed),
      row.jain?.toFixed(2) ?? '',
      target?.jain?.toFixed(2) ?? '',
      missed(row, target).join(', '),
    ];
  });
  return columns([['server', 'time', '≤', 'refused', '≤', 'failed', 'fair', '≥', 'misses'], ...lines]);
}

function missed(row: Row, target: Target | undefined): string[] {
  return [
    ...(row.failed > 0 ? ['failed'] : []),
    ...(target !== undefined && row.ratio > target.ratio ? ['time'] : []),
    ...(target !== undefined && row.waste > target.waste ? ['refused'] : []),
    ...(target?.jain !== undefined && (row.jain ?? 0) < target.jain ? ['fair'] : []),
  ];
}

/** The first column to the left, the others to the right. */
export function columns(lines: readonly (readonly string[])[]): string {
  const width = (column: number): number => Math.max(...lines.map((line) => (line[column] ?? '').length));
  return lines
    .map((line) =>
      line.map((cell, i) => (i === 0 ? cell.padEnd(width(i)) : cell.padStart(width(i)))).join('  '),
    )
    .map((line) => line.trimEnd())
    .join('\n');
}

export function percent(share: number, digits = 2): string {
  return `${(100 * share).toFixed(digits)} %`;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

const rounded = (n: number): number => Number(n.toFixed(4));
