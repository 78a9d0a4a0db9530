import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { describeFailure, errorChain, statusOf, toError } from '../src/failure.js';
import { HOSTILE } from './hostile.js';

class CardError extends Error {
  override name = 'CardError';
  code = 'card_declined';
  statusCode = 402;
}

class QuotaError extends Error {}

describe('describeFailure', () => {
  test.each<[string, unknown, ReturnType<typeof describeFailure>]>([
    ['an Error', new TypeError('no'), { name: 'TypeError', message: 'no' }],
    [
      'code and status',
      new CardError('declined'),
      {
        name: 'CardError',
        message: 'declined',
        code: 'card_declined',
        status: 402,
      },
    ],
    ['the class of an error without a name', new QuotaError('none'), { name: 'QuotaError', message: 'none' }],
    [
      'code and status of causes',
      new Error('a', {
        cause: Object.assign(new Error('b', { cause: { status: '503' } }), {
          code: 'X',
        }),
      }),
      { name: 'Error', message: 'a', code: 'X', status: 503 },
    ],
    [
      'a numeric code',
      { message: 'limit', code: -32005 },
      { name: 'Error', message: 'limit', code: '-32005' },
    ],
    [
      'an Error without a message',
      Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
      { name: 'AggregateError', message: 'ECONNREFUSED', code: 'ECONNREFUSED' },
    ],
    ['an Error that says nothing', new RangeError(), { name: 'RangeError', message: 'RangeError' }],
    ['a Response', new Response(null, { status: 418 }), { name: 'Error', message: 'HTTP 418', status: 418 }],
    ['undefined', undefined, { name: 'Error', message: 'undefined' }],
    ['null', null, { name: 'Error', message: 'null' }],
    ['a text', 'no', { name: 'Error', message: 'no' }],
    ['an object', { reason: 'no' }, { name: 'Error', message: '{"reason":"no"}' }],
    ['a frozen object', Object.freeze({ message: 'no' }), { name: 'Error', message: 'no' }],
    ['NUL and half a character', new Error('a\0b\ud800'), { name: 'Error', message: 'a\ufffdb\ufffd' }],
  ])('failure: %s', (_, thrown, failure) => expect(describeFailure(thrown)).toEqual(failure));

  test.each(HOSTILE)('failure: anything may be thrown: %s', (_, thrown) => {
    expect(describeFailure(thrown)).toEqual({
      name: expect.any(String),
      message: expect.any(String),
    });
  });

  test('failure: messages are cut to 4,096 characters, and say so', () => {
    const { message } = describeFailure(new Error('😀'.repeat(5000)));
    expect(message).toHaveLength(4096);
    expect(message).toMatch(/😀\ufffd?… \(cut\)$/u);
    expect(describeFailure(new Error('x'.repeat(4096))).message).toBe('x'.repeat(4096));
    expect(describeFailure({ name: 'n'.repeat(999), code: 'c'.repeat(999) })).toMatchObject({
      name: expect.stringMatching(/^n+… \(cut\)$/),
      code: expect.stringMatching(/^c+… \(cut\)$/),
    });
  });
});

describe('toError', () => {
  test('error: the thrown Error itself, also one of another realm', () => {
    for (const error of [
      new CardError(),
      Object.freeze(new Error()),
      new DOMException('x', 'AbortError'),
      runInNewContext('new TypeError("x")'),
    ]) {
      expect(toError(error)).toBe(error);
    }
  });

  test.each(HOSTILE)('error: anything else comes wrapped, as the cause: %s', (_, thrown) => {
    const error = toError(thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error === thrown || (Object.hasOwn(error, 'cause') && Object.is(error.cause, thrown))).toBe(true);
  });
});

test('errorChain: the error and its causes, outermost first, each once, at most 10', () => {
  const inner = new Error('inner');
  const outer = new AggregateError([inner, 'text'], 'outer', { cause: inner });
  Object.assign(inner, { cause: outer });
  expect(errorChain(outer)).toEqual([outer, inner, 'text']);

  let long: Error | undefined;
  for (let depth = 0; depth < 100; depth++) long = new Error(String(depth), { cause: long });
  expect(errorChain(long)).toHaveLength(10);
  const alone = new Error('alone', { cause: null });
  expect(errorChain(alone)).toEqual([alone]);
  expect(errorChain(new AggregateError(Array.from({ length: 1000 }, (_, index) => index)))).toHaveLength(6);
});

test('statusOf: 0 where there is no HTTP status', () => {
  expect([{}, new Error('x'), { status: 99 }, { status: 'OK' }, null].map(statusOf)).toEqual([0, 0, 0, 0, 0]);
});
