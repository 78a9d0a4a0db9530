import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HashIndex } from '../src/hash-index.js';
import { hashText, toHex } from '../src/sha256.js';

const sorted = (seqs: Iterable<number>): number[] => [...seqs].sort((a, b) => a - b);

describe('HashIndex', () => {
  test('property: gives what a Map from prefixes to rows would, also for prefixes that repeat', () => {
    // Few first words, at both ends of a table, so that its chains meet and wrap round.
    const hash = fc
      .tuple(fc.constantFrom(0, 0xff), fc.constantFrom(0, 0xff), fc.constantFrom(0xfe, 0xff), fc.nat(30))
      .map(([a, b, d, h]) => Uint8Array.of(a, b, b, d, 0, 0, 0, h, 9));
    fc.assert(
      fc.property(fc.array(hash, { maxLength: 300 }), fc.array(hash), (added, others) => {
        const index = new HashIndex();
        const map = new Map<string, number[]>();
        for (const [at, next] of added.entries()) {
          const key = toHex(next.slice(0, 8));
          expect(sorted(index.candidates(next))).toEqual(map.get(key) ?? []);
          index.add(next, at + 1);
          map.set(key, [...(map.get(key) ?? []), at + 1]);
        }
        for (const next of [...added, ...others]) {
          expect(sorted(index.candidates(next))).toEqual(map.get(toHex(next.slice(0, 8))) ?? []);
        }
        expect(index.size).toBe(added.length);
      }),
    );
  });

  test('candidates: finds each of 100,000 hashes, and none that is not there', () => {
    const index = new HashIndex();
    for (let seq = 1; seq <= 100_000; seq++) index.add(hashText(`item ${seq}`), seq);
    for (let seq = 1; seq <= 100_000; seq += 7)
      expect(index.candidates(hashText(`item ${seq}`))).toEqual([seq]);
    for (let other = 0; other < 10_000; other++)
      expect(index.candidates(hashText(`other ${other}`))).toEqual([]);
  });

  test('add: takes rows up to 2^32 − 1 and refuses what is no row', () => {
    const index = new HashIndex();
    const hash = hashText('a');
    index.add(hash, 2 ** 32 - 1);
    expect(index.candidates(hash)).toEqual([2 ** 32 - 1]);
    for (const seq of [0, -1, 2 ** 32, Number.NaN]) expect(() => index.add(hash, seq)).toThrow(RangeError);
  });
});
