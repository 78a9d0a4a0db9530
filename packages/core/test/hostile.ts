// Things that handlers have thrown, or could: nothing that looks at an error may throw for them.

const boom = (): never => {
  throw new Error('boom');
};
const revoked = Proxy.revocable({}, {});
revoked.revoke();

export const HOSTILE: [what: string, thrown: unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a text', 'no'],
  ['a number', 42],
  ['a BigInt', 1n],
  ['a symbol', Symbol('s')],
  ['a function', () => 1],
  ['a function whose toString throws', Object.assign(() => 1, { toString: boom })],
  ['an object', { a: 1 }],
  ['a frozen error', Object.freeze(new Error('no'))],
  ['an object without prototype', Object.assign(Object.create(null), { a: 1 })],
  ['a cycle', Object.assign({}, { self: {} as unknown })],
  ['an object that JSON refuses', { n: 1n }],
  [
    'values of odd types',
    { name: 1n, message: {}, code: Symbol('s'), status: {}, headers: 5, errors: 'x', cause: [] },
  ],
  [
    'getters that throw',
    Object.defineProperties(
      {},
      Object.fromEntries(
        [
          'name',
          'message',
          'code',
          'status',
          'response',
          'cause',
          'errors',
          'headers',
          'retryAfter',
          'toJSON',
        ].map((key) => [key, { get: boom, enumerable: true }]),
      ),
    ),
  ],
  ['a proxy whose traps throw', new Proxy({}, { get: boom, has: boom, getPrototypeOf: boom, ownKeys: boom })],
  ['a revoked proxy', revoked.proxy],
  ['an error whose errors are a revoked proxy', { errors: revoked.proxy }],
];
