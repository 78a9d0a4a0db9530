// The values of options as users write them, and what they mean to the engine.
import { type HaltConfig, isTaskHubError } from '@shelchin/taskhub';
import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/** `30s`, `500ms`, `2m`, `1.5h`, as ms. */
export function parseDuration(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(text.trim()) ?? [];
  const factor = UNITS[unit];
  if (amount === undefined || factor === undefined) {
    throw new InvalidArgumentError('Write a number and ms, s, m or h: 500ms, 30s, 2m.');
  }
  return Number(amount) * factor;
}

/** A whole number, at least `least`. */
export function parseWhole(least: number): (text: string) => number {
  return (text) => {
    const n = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(n) && n >= least) return n;
    throw new InvalidArgumentError(`Write a whole number, ${least} or more.`);
  };
}

/** `1..50`, or `50` for at most so many. */
export function parseConcurrency(text: string): { min?: number; max: number } {
  const [, least, most = ''] = /^(?:(\d+)\.\.)?(\d+)$/.exec(text.trim()) ?? [];
  const max = Number(most);
  const min = least === undefined ? undefined : Number(least);
  if (max < 1 || min === 0 || (min ?? 0) > max) {
    throw new InvalidArgumentError('Write the most calls at once (20), or the fewest and the most (1..50).');
  }
  return min === undefined ? { max } : { min, max };
}

/** Ends a run whose first rows all failed, or whose first output cannot be stored: it was not worth its calls. */
export const DEFAULT_HALT: HaltConfig = {
  firstFailures: 20,
  when: (error) => isTaskHubError(error, 'OUTPUT_NOT_SERIALIZABLE'),
};

/** `failures=10`, `rate=5%/1000`, `never`. */
export function parseHalt(text: string): HaltConfig {
  if (text === 'never') return {};
  const [, failures] = /^failures=(\d+)$/.exec(text) ?? [];
  if (Number(failures) >= 1) return { failures: Number(failures) };
  const [, share, of] = /^rate=(\d+(?:\.\d+)?)%\/(\d+)$/.exec(text) ?? [];
  const rate = Number(share) / 100;
  if (rate > 0 && rate <= 1 && Number(of) >= 1) return { failureRate: { rate, of: Number(of) } };
  throw new InvalidArgumentError('Write failures=10, rate=5%/1000 (5 % of the last 1,000 rows) or never.');
}

/** `06:00`: ms from `now` until the clock says so next, local time. */
export function parseUntil(text: string, now: Date = new Date()): number {
  const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim()) ?? [];
  if (hours === undefined || minutes === undefined) {
    throw new InvalidArgumentError('Write a time of day: 06:00.');
  }
  const end = new Date(now);
  end.setHours(Number(hours), Number(minutes), 0, 0);
  if (end <= now) end.setDate(end.getDate() + 1);
  return end.getTime() - now.getTime();
}
