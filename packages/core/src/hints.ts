// When a server says that it can be asked again, and how much is left: by the headers that are in use.
import { errorChain, quietly, read } from './failure.js';

/** Longest wait that a hint may ask for, in ms. */
export const MAX_HINT = 600_000;

/** Pairs of headers for one limit; `*` stands for `remaining` and `reset`. */
const PAIRS = [
  'ratelimit-*',
  'x-ratelimit-*',
  'x-rate-limit-*',
  'x-ratelimit-*-requests',
  'x-ratelimit-*-tokens',
  'anthropic-ratelimit-requests-*',
  'anthropic-ratelimit-tokens-*',
  'anthropic-ratelimit-input-tokens-*',
  'anthropic-ratelimit-output-tokens-*',
];

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** What an answer says about one limit. */
interface Limit {
  /** Calls (or tokens) left. */
  remaining?: number;
  /** ms from now until they are filled up. */
  reset?: number;
}

/** What the headers of an answer say about limits; of several limits, the one with least left. */
export interface HeaderLimits extends Limit {
  /** ms from now after which to ask again. */
  retryAfter?: number;
}

/**
 * How long a server that refused asks us to wait.
 *
 * Looks at `retryAfterMs` and `retryAfter` of the error, then at the headers of the error or of its `response`, then
 * at its causes. A reset counts only for a limit that is used up.
 *
 * @param now - ms since 1970
 * @returns whole ms from now, 1 to 600,000 (longer ones are cut); undefined if nothing usable is said
 */
export function retryAfterHint(error: unknown, now: number): number | undefined {
  for (const link of errorChain(error)) {
    const own = wait(plain(read(link, 'retryAfterMs')), now, 1) ?? wait(plain(read(link, 'retryAfter')), now);
    if (own !== undefined) return own;
    for (const headers of [read(link, 'headers'), read(read(link, 'response'), 'headers')]) {
      const { retryAfter, remaining = 0, reset } = limitsFromHeaders(headers, now);
      const hint = retryAfter ?? (remaining === 0 ? reset : undefined);
      if (hint !== undefined) return hint;
    }
  }
  return undefined;
}

/**
 * What the headers of an answer say about limits. Never throws; what it cannot read it leaves out.
 *
 * Knows `Retry-After`, `retry-after-ms`, `RateLimit`, and `remaining` and `reset` of `RateLimit-`, `X-RateLimit-`
 * (also per requests and tokens) and `anthropic-ratelimit-`.
 *
 * @param headers - `Headers`, a Map, or an object with names in any case
 * @param now - ms since 1970
 * @example
 * limitsFromHeaders({ 'RateLimit-Remaining': '0', 'RateLimit-Reset': '30' }, Date.now()); // { remaining: 0, reset: 30000 }
 * @see RFC 9110, section 10.2.3; draft-ietf-httpapi-ratelimit-headers
 */
export function limitsFromHeaders(headers: unknown, now: number): HeaderLimits {
  const find = quietly(() => finder(headers)) ?? (() => undefined);
  const get = (name: string): string => plain(quietly(() => find(name)));
  const limits = PAIRS.map((pair) =>
    limit(get(pair.replace('*', 'remaining')), get(pair.replace('*', 'reset')), now),
  );
  limits.push(...rateLimitField(get('ratelimit'), now));
  const retryAfter = wait(get('retry-after'), now) ?? wait(get('retry-after-ms'), now, 1);
  const tightest = limits.reduce((least, next) => (isTighter(next, least) ? next : least));
  return { ...tightest, ...(retryAfter !== undefined && { retryAfter }) };
}

function finder(headers: unknown): (name: string) => unknown {
  const { get } = headers as { get?: unknown };
  if (typeof get === 'function' && !(headers instanceof Map)) return (name) => get.call(headers, name);
  const entries: Iterable<[unknown, unknown]> =
    headers instanceof Map ? headers : Object.entries(headers as object);
  const byName = new Map([...entries].map(([name, value]) => [String(name).toLowerCase(), value]));
  return (name) => byName.get(name);
}

/** The text of a value, of the first one of several; '' for what has none. */
function plain(value: unknown): string {
  const text = quietly(() => String((Array.isArray(value) ? value[0] : value) ?? ''));
  return (text ?? '').slice(0, 200).trim();
}

function limit(remaining: string, reset: string, now: number): Limit {
  const resetMs = wait(reset, now);
  return {
    ...(/^\d+(?:\.\d+)?$/.test(remaining) && { remaining: Math.floor(Number(remaining)) }),
    ...(resetMs !== undefined && { reset: resetMs }),
  };
}

// `"burst";r=50;t=30, "daily";r=900;t=8000`, or as in older drafts `limit=100, remaining=50, reset=30`.
function rateLimitField(text: string, now: number): Limit[] {
  return text.split(/,(?=[^,]*;)/).map((item) => {
    const [remaining, reset] = [/\b(?:r|remaining)=(\d+)/i.exec(item), /\b(?:t|reset)=(\d+)/i.exec(item)];
    return limit(remaining?.[1] ?? '', reset?.[1] ?? '', now);
  });
}

function isTighter(a: Limit, b: Limit): boolean {
  const [left, right] = [a.remaining ?? Number.POSITIVE_INFINITY, b.remaining ?? Number.POSITIVE_INFINITY];
  return left < right || (left === right && (a.reset ?? 0) > (b.reset ?? 0));
}

/** ms from `now` that a text means: a number of `unit` ms or a moment, a duration such as `1m30s`, a date. */
function wait(text: string, now: number, unit: 1 | 1000 = 1000): number | undefined {
  const number = Number(text);
  const ms = Number.isNaN(number)
    ? (durationOf(text) ?? Date.parse(dateIn(text)) - now)
    : fromNumber(number, now, unit);
  return ms > 0 ? Math.min(Math.ceil(ms), MAX_HINT) : undefined;
}

// Servers write seconds, seconds since 1970 or ms since 1970, and do not say which.
function fromNumber(number: number, now: number, unit: 1 | 1000): number {
  if (number >= 1e12) return number - now;
  return number >= 1e9 && unit === 1000 ? number * 1000 - now : number * unit;
}

function durationOf(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[dhms]))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|[dhms])/g)) {
    ms += Number(amount) * UNITS[unit as keyof typeof UNITS]; // one of the units of the pattern
  }
  return ms;
}

// Date.parse makes a year of nearly every number, so only a text with a time of day is a date.
function dateIn(text: string): string {
  return /\d:\d\d/.test(text) ? text : '';
}
