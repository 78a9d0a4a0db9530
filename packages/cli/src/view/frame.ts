// What the live view shows at one moment, and how: pure, from numbers to lines.
import type picocolors from 'picocolors';
import type { FailureKind } from '../failure-kinds.js';
import { count, duration, fit, percent, perSecond, width } from '../text.js';

export interface Frame {
  /** What runs: the name of the task. */
  name: string;
  total: number;
  completed: number;
  failed: number;
  active: number;
  /** Settled jobs per second, lately; null until there is a rate. */
  rate: number | null;
  /** ms; null while it cannot be told. */
  remaining: number | null;
  elapsed: number;
  /** What the controller admits; null where it is not known. */
  concurrency: number | null;
  /** The concurrency over the run, oldest first. */
  history: readonly number[];
  /** null where they are not known. */
  refusals: number | null;
  retries: number | null;
  kinds: readonly FailureKind[];
  /** Why the run is not faster, in words. */
  why: string | undefined;
  /** The last errors, newest last. */
  errors: readonly string[];
  /** What is going on besides the run: that it is stopping, say. */
  note: string | undefined;
}

export type Colors = ReturnType<typeof picocolors.createColors>;

const BARS = '▁▂▃▄▅▆▇█';
const LABEL = 13;
const NARROWEST = 24;
const KINDS = 4;

/** The lines of the live view, none wider than `columns`. */
export function renderFrame(frame: Frame, columns: number, colors: Colors): string[] {
  const room = Math.max(NARROWEST, columns - 1);
  const line = (label: string, text: string, paint = (shown: string): string => shown): string =>
    `${colors.dim(label.padEnd(LABEL))}${paint(fit(text, room - LABEL))}`;
  const { refusals, retries, failed, kinds, why, errors, note } = frame;

  const lines = [progressLine(frame, room, colors), line('speed', speedText(frame))];
  lines.push(concurrencyLine(frame, room, colors));
  if (why !== undefined) lines.push(line('', why, colors.dim));
  lines.push(
    line(
      'trouble',
      troubleText(frame),
      (refusals ?? 0) + (retries ?? 0) + failed > 0 ? undefined : colors.dim,
    ),
  );
  if (kinds.length > 0) lines.push(line('failures', kindsText(kinds), colors.red));
  for (const [at, error] of errors.entries()) lines.push(line(at === 0 ? 'last errors' : '', error));
  if (note !== undefined) lines.push(line('', note, colors.yellow));
  return lines;
}

/** The same on one line, for logs. */
export function renderLine(frame: Frame): string {
  const { completed, failed, total, rate, concurrency, refusals, remaining } = frame;
  const parts = [`${count(completed + failed)} of ${count(total)} (${percent(completed + failed, total)})`];
  if (rate !== null) parts.push(perSecond(rate));
  if (concurrency !== null) parts.push(`concurrency ${concurrency}`);
  parts.push(...(refusals === null ? [] : [`${count(refusals)} refused`]), `${count(failed)} failed`);
  if (remaining !== null && remaining > 0) parts.push(`${duration(remaining)} to go`);
  return parts.join(', ');
}

function progressLine({ name, completed, failed, total }: Frame, room: number, colors: Colors): string {
  const settled = completed + failed;
  const figures = `${percent(settled, total)}  ${count(settled)} of ${count(total)}`;
  const title = fit(name, 24);
  const cells = Math.min(60, room - width(title) - width(figures) - 4);
  if (cells < 8) return colors.bold(fit(`${title}  ${figures}`, room));
  const share = total === 0 ? 1 : settled / total;
  const full = Math.floor(share * cells);
  const bar = colors.green('━'.repeat(full)) + colors.dim('─'.repeat(cells - full));
  return `${colors.bold(title)}  ${bar}  ${figures}`;
}

function speedText({ rate, remaining, elapsed }: Frame): string {
  const speed = rate === null ? '–' : perSecond(rate);
  const rest = remaining === null ? '' : `, ${duration(remaining)} to go`;
  return `${speed}${rest}, ${duration(elapsed)} so far`;
}

function concurrencyLine({ concurrency, active, history }: Frame, room: number, colors: Colors): string {
  const text = concurrency === null ? `${active} at once` : `${concurrency} at once, ${active} running`;
  const cells = Math.min(40, room - LABEL - width(text) - 2);
  const line = cells >= 8 && history.length > 1 ? `${sparkline(history, cells)}  ` : '';
  return `${colors.dim('concurrency'.padEnd(LABEL))}${colors.cyan(line)}${fit(text, room - LABEL - width(line))}`;
}

/** The last `cells` values, as bars from 0 to the largest one shown. */
export function sparkline(values: readonly number[], cells: number): string {
  const shown = values.slice(-cells);
  const most = Math.max(...shown, 1);
  return shown.map((value) => BARS[Math.min(7, Math.round((value / most) * 7))] ?? '').join('');
}

function troubleText({ refusals, retries, failed }: Frame): string {
  const known = [
    [refusals, 'refused'],
    [retries, 'tried again'],
    [failed, 'failed'],
  ] as const;
  return known.flatMap(([n, what]) => (n === null ? [] : [`${count(n)} ${what}`])).join(', ');
}

function kindsText(kinds: readonly FailureKind[]): string {
  const shown = kinds.slice(0, KINDS).map(({ kind, count: n }) => `${count(n)} × ${kind}`);
  const more = kinds.length - KINDS;
  return shown.join(', ') + (more > 0 ? `, and ${more} more kinds` : '');
}
