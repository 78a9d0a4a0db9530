import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeInput, encodeOutput } from '../src/canonical-json.js';
import { TaskHubError } from '../src/errors.js';

const canonical = (value: unknown): string => encodeInput(value, 'inputs[3]').canonical;

function refusal(run: () => unknown): TaskHubError {
  try {
    run();
  } catch (error) {
    if (error instanceof TaskHubError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function double(bits: string): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
}

function nested(depth: number, inner: unknown = 1): unknown {
  let value = inner;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

describe('RFC 8785', () => {
  test('canonical: the sample object of section 3.2.2', () => {
    const sample = JSON.parse(String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`);
    expect(canonical(sample)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test('canonical: keys are sorted by UTF-16 code unit, as in section 3.2.3', () => {
    const sample = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(Object.values(JSON.parse(canonical({ sample })).sample).sort()).toEqual(
      Object.values(sample).sort(),
    );
    expect(canonical(sample).match(/:"[A-Z]\w+/g)).toEqual([
      ':"Carriage',
      ':"One',
      ':"Control',
      ':"Latin',
      ':"Euro',
      ':"Emoji',
      ':"Hebrew',
    ]);
  });

  test.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('canonical: the double %s of appendix B is %s, also in an object that is sorted', (bits, text) => {
    expect(canonical(double(bits))).toBe(text);
    expect(canonical({ b: 0, a: double(bits) })).toBe(`{"a":${text},"b":0}`);
  });
});

describe('encodeInput', () => {
  test.each([
    ['key order does not matter', { b: 1, a: [-0, 'é'] }, '{"a":[0,"é"],"b":1}'],
    ['a property whose value is undefined is absent', { b: undefined, c: 1, a: undefined }, '{"c":1}'],
    ['−0 is 0', [-0, { a: -0 }], '[0,{"a":0}]'],
    ['lone surrogates are kept escaped', { z: '\ud800', a: '😀\udfff' }, '{"a":"😀\\udfff","z":"\\ud800"}'],
    ['a lone surrogate in a key too', { z: 1, '\udc00': 1 }, '{"z":1,"\\udc00":1}'],
    ['keys that look like numbers are sorted as text', { 9: 'b', 10: 'a' }, '{"10":"a","9":"b"}'],
    [
      'an own __proto__ is a key',
      JSON.parse('{"b":1,"__proto__":{"d":1,"c":2}}'),
      '{"__proto__":{"c":2,"d":1},"b":1}',
    ],
    [
      'an object without prototype is plain',
      Object.assign(Object.create(null), { b: 1, a: 2 }),
      '{"a":2,"b":1}',
    ],
    [
      'an object of another realm is plain',
      runInNewContext('({ b: [1], a: { d: 1, c: 2 } })'),
      '{"a":{"c":2,"d":1},"b":[1]}',
    ],
    ['toJSON counts only as a function', { toJSON: 1, a: 2 }, '{"a":2,"toJSON":1}'],
    ['a value may be there twice without a cycle', nestedTwice(), '{"a":[1],"b":[1]}'],
    ['text', 'item "1"', '"item \\"1\\""'],
    ['null', null, 'null'],
    ['1,000 levels', nested(1000), `${'{"a":['.repeat(500)}1${']}'.repeat(500)}`],
  ])('identity: %s', (_, value, text) => {
    expect(canonical(value)).toBe(text);
  });

  test('text: keeps the key order of the input', () => {
    expect(encodeInput({ b: 1, a: 2 }, 'input')).toEqual({
      canonical: '{"a":2,"b":1}',
      text: '{"b":1,"a":2}',
    });
  });

  const self: { a: { list: unknown[] } } = { a: { list: [1] } };
  self.a.list.push(self);
  class Point {}
  const symbolKey = { [Symbol('tag')]: 1 };
  const hidden = Object.defineProperty({}, 'x', { get: () => fail('boom'), enumerable: true });
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();

  test.each<[string, unknown, string, string]>([
    ['undefined', undefined, 'inputs[3] is undefined', 'undefined'],
    ['undefined in an array', { a: [1, undefined] }, 'inputs[3].a[1] is undefined', 'undefined'],
    ['an array hole', [new Array(3)], 'inputs[3][0][0] is an empty slot', 'hole'],
    ['a huge sparse array', new Array(4e9), 'inputs[3][0] is an empty slot', 'hole'],
    ['a function', { run() {} }, 'inputs[3].run is a function', 'function'],
    ['a symbol', [Symbol('s')], 'inputs[3][0] is a symbol', 'symbol'],
    ['a BigInt', { 'a b': { n: 1n } }, 'inputs[3]["a b"].n is a BigInt', 'BigInt'],
    ['NaN', { n: Number.NaN }, 'inputs[3].n is NaN', 'NaN'],
    ['infinities', [1, -Infinity], 'inputs[3][1] is -Infinity', '-Infinity'],
    ['a Map', { when: new Map() }, 'inputs[3].when is a Map', 'Map'],
    ['a Set', new Set(), 'inputs[3] is a Set', 'Set'],
    ['a Date', { when: new Date(0) }, 'inputs[3].when is a Date', 'Date'],
    ['a typed array', { raw: new Int8Array(1) }, 'inputs[3].raw is an Int8Array', 'Int8Array'],
    ['a class', [new Point()], 'inputs[3][0] is a Point', 'Point'],
    ['an error', new Error('x'), 'inputs[3] is an Error', 'Error'],
    ['a URL', { url: new URL('http://a') }, 'inputs[3].url is a URL', 'URL'],
    ['a boxed number', { n: Object(1) }, 'inputs[3].n is a Number', 'Number'],
    [
      'an inherited object',
      Object.create({ a: 1 }),
      'inputs[3] is an object with a prototype of its own',
      'object with a prototype',
    ],
    ['toJSON', { a: { toJSON: () => 1 } }, 'inputs[3].a is an object with toJSON()', 'object with toJSON()'],
    ['symbol keys', symbolKey, 'inputs[3] is an object with symbol keys', 'object with symbol keys'],
    [
      'a match of a RegExp',
      /a/.exec('a'),
      'inputs[3] is an array with the property "groups"',
      'array with properties',
    ],
    ['a cycle', self, 'inputs[3].a.list[1] is an object that contains itself', 'cycle'],
    ['a getter that throws', { y: 1, x: hidden }, 'inputs[3].x.x is a value that throws: boom', 'unreadable'],
    ['a revoked proxy', [0, revoked.proxy], 'inputs[3][1] is a value that throws', 'unreadable'],
    ['1,001 levels', nested(1001), 'nested more than 1000 levels deep', 'too deep'],
    ['100,000 levels', nested(100_000), 'nested more than 1000 levels deep', 'too deep'],
  ])('refused: %s, with its path and what to do', (_, value, message, kind) => {
    const error = refusal(() => encodeInput(value, 'inputs[3]'));
    expect(error.code).toBe('INPUT_NOT_SERIALIZABLE');
    expect(error.message).toContain(message);
    expect(error.message).toContain('Convert it, or pass `codec`.');
    expect(error.details).toMatchObject({ kind, path: expect.stringMatching(/^inputs\[3\]/) });
  });

  test('refused: a long path is cut in the message', () => {
    expect(refusal(() => encodeInput(nested(2000), 'inputs[0]')).message.length).toBeLessThan(500);
  });

  test('property: the order of keys does not matter, and the text says the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ depthSize: 'medium' }), fc.infiniteStream(fc.nat()), (value, random) => {
        const { canonical: text, text: stored } = encodeInput(value, 'input');
        expect(canonical(shuffled(value, random))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(stored).toBe(JSON.stringify(value));
        expect(canonical(JSON.parse(text))).toBe(text);
      }),
    );
  });

  test('property: strings of any code units come back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(JSON.parse(canonical({ z: a, a: b, [a]: b }))).toEqual({ z: a, a: b, [a]: b });
      }),
    );
  });
});

describe('encodeOutput', () => {
  test.each<[string, unknown, string | null]>([
    ['undefined is no output', undefined, null],
    ['toJSON that gives undefined is no output', { toJSON: () => undefined }, null],
    ['null is an output', null, 'null'],
    ['NaN is null', Number.NaN, 'null'],
    ['a Date is its text', { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ['a Map is an empty object', new Map([[1, 2]]), '{}'],
    ['functions in objects are absent, in arrays null', { f() {}, list: [() => 1] }, '{"list":[null]}'],
    [
      'plain data named like a Response is data',
      { json: 1, headers: {}, status: 200 },
      '{"json":1,"headers":{},"status":200}',
    ],
    ['3,000 levels', nested(3000), JSON.stringify(nested(3000))],
  ])('output: %s, as JSON.stringify has it', (_, value, text) => {
    expect(encodeOutput(value)).toBe(text);
  });

  const self: { list: unknown[] } = { list: [] };
  self.list.push({ self });

  test.each<[string, unknown, string, string]>([
    ['a BigInt', { items: [{ id: 1 }, { id: 2n }] }, 'output.items[1].id is a BigInt', 'BigInt'],
    ['a cycle', self, 'output.list[0].self is an object that contains itself', 'cycle'],
    ['a function at the root', () => 1, 'output is a function', 'function'],
    ['a symbol at the root', Symbol('s'), 'output is a symbol', 'symbol'],
    [
      'toJSON that throws',
      { a: 1, b: { toJSON: () => fail('boom') } },
      'output.b is a value that throws: boom',
      'unreadable',
    ],
    [
      'a getter that throws',
      [
        {
          get x() {
            return fail('boom');
          },
        },
      ],
      'output[0].x is a value that throws: boom',
      'unreadable',
    ],
    ['a BigInt that toJSON gives', { a: { toJSON: () => [1n] } }, 'output.a[0] is a BigInt', 'BigInt'],
  ])('output: %s fails with OUTPUT_NOT_SERIALIZABLE naming the path and codec', (_, value, message, kind) => {
    const error = refusal(() => encodeOutput(value));
    expect(error.code).toBe('OUTPUT_NOT_SERIALIZABLE');
    expect(error.message).toContain(message);
    expect(error.message).toContain('`codec`');
    expect(error.details).toMatchObject({ kind });
  });

  // In Deno nothing is: its JSON.stringify takes any depth.
  test.skipIf('deno' in process.versions)('output: what is too deep for JSON.stringify fails, too', () => {
    expect(refusal(() => encodeOutput(nested(1_000_000))).code).toBe('OUTPUT_NOT_SERIALIZABLE');
  });

  test('output: a program that taught BigInt toJSON is listened to', () => {
    const prototype = BigInt.prototype as { toJSON?: () => string };
    prototype.toJSON = () => 'big';
    try {
      expect(encodeOutput([1n])).toBe('["big"]');
      expect(refusal(() => encodeOutput({ a: 1n, b: self })).message).toContain('output.b.list[0].self');
    } finally {
      delete prototype.toJSON;
    }
  });

  test('output: a handler that returns a Response is told to return `await response.json()`', () => {
    class Polyfill {
      headers = {};
      json(): void {}
    }
    Object.defineProperty(Polyfill, 'name', { value: 'Response' });
    for (const response of [new Response('{}'), new Polyfill()]) {
      expect(refusal(() => encodeOutput(response)).message).toContain('return `await response.json()`');
    }
  });
});

function nestedTwice(): unknown {
  const shared = [1];
  return { b: shared, a: shared };
}

function fail(message: string): never {
  throw new Error(message);
}

function shuffled(value: unknown, random: Iterator<number>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => shuffled(item, random));
  const ranked = Object.entries(value).map((entry) => ({ entry, rank: random.next().value as number }));
  const result = Object.create(Object.prototype);
  for (const { entry } of ranked.sort((a, b) => a.rank - b.rank)) {
    const [key, member] = entry;
    Object.defineProperty(result, key, {
      value: shuffled(member, random),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return result;
}
