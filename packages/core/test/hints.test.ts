import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limitsFromHeaders, retryAfterHint } from '../src/hints.js';
import { HttpError } from '../src/http.js';
import { HOSTILE } from './hostile.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const SECONDS = NOW / 1000;

const hintOf = (headers: object): number | undefined => retryAfterHint({ headers }, NOW);

describe('retryAfterHint', () => {
  test.each<[what: string, value: unknown, ms: number | undefined]>([
    ['seconds', '30', 30_000],
    ['seconds as a number', 30, 30_000],
    ['parts of a second', '0.25', 250],
    ['the first of several', ['2', '9'], 2000],
    ['an HTTP date', 'Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['an RFC 3339 date', '2026-01-01T00:00:01.5Z', 1500],
    ['a number from 10^9 is seconds since 1970', String(SECONDS + 90), 90_000],
    ['with parts of a second', `${SECONDS + 1}.5`, 1500],
    ['a number from 10^12 is ms since 1970', String(NOW + 777), 777],
    ['a duration', '1m30s', 90_000],
    ['a duration in ms', '250ms', 250],
    ['a duration with parts', '1m2.5s', 62_500],
    ['a duration of nothing and something', '6m0s', 360_000],
    ['a part of a day', '0.001d', 86_400],
    ['over 10 minutes is cut to 10', '3600', 600_000],
    ['a duration of hours is cut to 10 minutes', '2h', 600_000],
    ['Infinity is cut to 10 minutes', Infinity, 600_000],
    ['a part of a ms is a whole one', '0.1ms', 1],
    ['0 is ignored', '0', undefined],
    ['less is ignored', '-5', undefined],
    ['NaN is ignored', Number.NaN, undefined],
    ['nothing is ignored', '', undefined],
    ['a past date is ignored', 'Wed, 21 Oct 2015 07:28:00 GMT', undefined],
    ['a past moment is ignored', String(SECONDS - 1), undefined],
    ['a text is ignored', 'soon 2050', undefined],
    ['a duration without unit is ignored', '1m30', undefined],
    ['an object is ignored', {}, undefined],
    ['true is ignored', true, undefined],
  ])('Retry-After: %s', (_, value, ms) => {
    expect(retryAfterHint({ headers: { 'Retry-After': value } }, NOW)).toBe(ms);
    expect(retryAfterHint({ retryAfter: value }, NOW)).toBe(ms);
  });

  test.each<[what: string, headers: Record<string, string>, ms: number | undefined]>([
    ['retry-after-ms is in ms', { 'retry-after-ms': '1500' }, 1500],
    ['Retry-After comes first', { 'retry-after-ms': '1500', 'retry-after': '2' }, 2000],
    ['unless it says nothing', { 'retry-after-ms': '1500', 'retry-after': '0' }, 1500],
    ['RateLimit-Reset', { 'RateLimit-Reset': '7' }, 7000],
    [
      'x-ratelimit-reset (GitHub)',
      {
        'X-RateLimit-Reset': String(SECONDS + 20),
        'X-RateLimit-Remaining': '0',
      },
      20_000,
    ],
    ['x-rate-limit-reset (X)', { 'x-rate-limit-reset': String(SECONDS + 20) }, 20_000],
    ['x-ratelimit-reset-requests', { 'x-ratelimit-reset-requests': '1m30s' }, 90_000],
    ['x-ratelimit-reset-tokens', { 'x-ratelimit-reset-tokens': '250ms' }, 250],
    [
      'the limit that is used up (OpenAI)',
      {
        'x-ratelimit-remaining-requests': '59',
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '6m0s',
      },
      360_000,
    ],
    [
      'the limit that is used up, wherever it stands',
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '6m0s',
        'x-ratelimit-remaining-tokens': '59',
        'x-ratelimit-reset-tokens': '1s',
      },
      360_000,
    ],
    [
      'the later reset of two limits that are used up',
      {
        'ratelimit-remaining': '0',
        'ratelimit-reset': '5',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': '50',
      },
      50_000,
    ],
    [
      'no reset of a limit with something left',
      { 'x-ratelimit-remaining': '4900', 'x-ratelimit-reset': '300' },
      undefined,
    ],
    [
      'anthropic-ratelimit',
      {
        'anthropic-ratelimit-tokens-remaining': '0',
        'anthropic-ratelimit-tokens-reset': '2026-01-01T00:00:09Z',
      },
      9000,
    ],
    ['RateLimit', { RateLimit: '"default";r=0;t=30' }, 30_000],
    ['RateLimit with words that end like its own', { RateLimit: '"default";pr=9;st=5;r=0;t=30' }, 30_000],
    ...['requests', 'tokens', 'input-tokens', 'output-tokens'].map(
      (kind): [string, Record<string, string>, number] => [
        `anthropic-ratelimit of ${kind}`,
        {
          [`anthropic-ratelimit-${kind}-remaining`]: '0',
          [`anthropic-ratelimit-${kind}-reset`]: '2026-01-01T00:00:08Z',
        },
        8000,
      ],
    ),
    [
      'the limit that is used up, though another is reset later',
      {
        'ratelimit-remaining': '0',
        'ratelimit-reset': '5',
        'x-ratelimit-remaining': '9',
        'x-ratelimit-reset': '50',
      },
      5000,
    ],
  ])('headers: %s', (_, headers, ms) => {
    expect(hintOf(headers)).toBe(ms);
    expect(hintOf(new Headers(headers))).toBe(ms);
    expect(hintOf(new Map(Object.entries(headers)))).toBe(ms);
  });

  test.each<[what: string, error: unknown, ms: number | undefined]>([
    ['retryAfterMs is in ms', { retryAfterMs: 1500 }, 1500],
    ['retryAfterMs is never a moment in seconds', { retryAfterMs: 1_500_000_000 }, 600_000],
    ['retryAfterMs comes before retryAfter', { retryAfterMs: 1500, retryAfter: 9 }, 1500],
    ['retryAfter comes before headers', { retryAfter: 9, headers: { 'retry-after': '1' } }, 9000],
    ['a Date', { retryAfter: new Date(NOW + 5000) }, 5000],
    ['error.response.headers', { response: { headers: { 'Retry-After': '3' } } }, 3000],
    ['a Response that was thrown', new Response(null, { headers: { 'Retry-After': '3' } }), 3000],
    [
      'HttpError',
      new HttpError({
        status: 429,
        headers: new Headers({ 'retry-after': '3' }),
        body: '',
      }),
      3000,
    ],
    ['a cause', new Error('no', { cause: { headers: { 'retry-after': '3' } } }), 3000],
    ['nothing', new Error('Retry-After: 3'), undefined],
  ])('error: %s', (_, error, ms) => expect(retryAfterHint(error, NOW)).toBe(ms));

  test.each(HOSTILE)('error: anything may be thrown: %s', (_, thrown) => {
    expect(retryAfterHint(thrown, NOW)).toBeUndefined();
    expect(() => retryAfterHint({ headers: thrown, retryAfter: thrown }, NOW)).not.toThrow();
  });
});

describe('limitsFromHeaders', () => {
  test.each<[what: string, headers: Record<string, unknown>, limits: ReturnType<typeof limitsFromHeaders>]>([
    [
      'the example of its docstring',
      { 'RateLimit-Remaining': '0', 'RateLimit-Reset': '30' },
      { remaining: 0, reset: 30_000 },
    ],
    ['RateLimit, as now drafted', { ratelimit: '"default";r=50;t=30' }, { remaining: 50, reset: 30_000 }],
    [
      'RateLimit, as it was drafted',
      { ratelimit: 'limit=100, remaining=50, reset=30' },
      { remaining: 50, reset: 30_000 },
    ],
    [
      'RateLimit with several limits',
      { ratelimit: '"burst";r=50;t=30, "daily";r=9;t=500' },
      { remaining: 9, reset: 500_000 },
    ],
    ['remaining alone', { 'x-ratelimit-remaining': '12' }, { remaining: 12 }],
    [
      'a past reset is left out',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1000000000' },
      { remaining: 0 },
    ],
    [
      'parts are cut off (Reddit)',
      { 'x-ratelimit-remaining': '594.7', 'x-ratelimit-reset': '88' },
      { remaining: 594, reset: 88_000 },
    ],
    ['numbers', { 'X-RateLimit-Remaining': 3, 'X-RateLimit-Reset': 4 }, { remaining: 3, reset: 4000 }],
    [
      'the one with least left',
      {
        'anthropic-ratelimit-requests-remaining': '9',
        'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:01Z',
        'anthropic-ratelimit-output-tokens-remaining': '4',
        'anthropic-ratelimit-output-tokens-reset': '2026-01-01T00:00:02Z',
      },
      { remaining: 4, reset: 2000 },
    ],
    [
      'retryAfter beside it',
      { 'retry-after': '1', 'x-ratelimit-remaining': '5' },
      { remaining: 5, retryAfter: 1000 },
    ],
    [
      'what is no number',
      {
        'x-ratelimit-remaining': 'many',
        'ratelimit-remaining': '-1',
        ratelimit: 'r=x',
      },
      {},
    ],
    ['other headers', { 'content-type': 'text/plain', 'x-ratelimit-limit': '60' }, {}],
  ])('limits: %s', (_, headers, limits) => expect(limitsFromHeaders(headers, NOW)).toEqual(limits));

  test('limits: of an object that has nothing but get()', () => {
    const headers = {
      get: (name: string) => (name === 'retry-after' ? '5' : null),
    };
    expect(limitsFromHeaders(headers, NOW)).toEqual({ retryAfter: 5000 });
  });

  test.each(HOSTILE)('limits: hostile headers never throw: %s', (_, thrown) => {
    expect(limitsFromHeaders(thrown, NOW)).toEqual({});
    expect(limitsFromHeaders({ get: () => thrown }, NOW)).toBeTypeOf('object');
    expect(limitsFromHeaders(new Map([['retry-after', thrown]]), NOW)).toBeTypeOf('object');
  });

  test('property: whatever the headers say, waits are whole ms from 1 to 600,000', () => {
    const names = ['retry-after', 'retry-after-ms', 'ratelimit', 'ratelimit-remaining', 'x-ratelimit-reset'];
    const value = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.stringMatching(/^\d+(\.\d+)?(ms|s|m|h)?$/),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value), (headers) => {
        const { remaining, ...waits } = limitsFromHeaders(headers, NOW);
        expect(remaining ?? 0).toBeGreaterThanOrEqual(0);
        for (const ms of Object.values(waits)) {
          expect(Number.isInteger(ms) && ms >= 1 && ms <= 600_000).toBe(true);
        }
      }),
    );
  });
});
