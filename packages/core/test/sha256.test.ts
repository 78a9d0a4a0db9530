import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, hashText, sha256, toHex, utf8 } from '../src/sha256.js';

describe('sha256', () => {
  test('sha256: the examples of FIPS 180-4', () => {
    expect(toHex(sha256(utf8('')))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(toHex(hashText('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  test('property: the same as the hash of Node, for texts of any length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 3000, size: 'max' }), (text) => {
        expect(toHex(hashText(text))).toBe(createHash('sha256').update(text).digest('hex'));
      }),
    );
  });

  test('hash: the hash that is passed in is used', () => {
    expect(hashText('é', (data) => utf8(`own ${data}`))).toEqual(utf8('own é'));
  });

  test('a text is hashed as its UTF-8, at any length', () => {
    for (const text of ['', 'é', '日本語 😀', 'ü'.repeat(10_000)]) {
      expect(sha256(text)).toEqual(sha256(utf8(text)));
    }
  });

  test.each(['\ud800', 'a\udc00b', `${'x'.repeat(5000)}\ud83d`])(
    'text: half of a character identifies nothing',
    (text) => {
      for (const run of [() => utf8(text), () => hashText(text)]) {
        expect(run).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
      }
    },
  );

  test('hex: both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(fromHex(toHex(bytes))).toEqual(bytes);
      }),
    );
  });

  test.each(['a', 'abc', 'zz', 'AB', '0x12', ' 1'])('hex: %s is refused', (text) => {
    expect(() => fromHex(text)).toThrow(TypeError);
  });
});
