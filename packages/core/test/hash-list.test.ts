import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HashList } from '../src/hash-list.js';
import { computeMerkleRoot } from '../src/merkle.js';
import { hashText, toHex } from '../src/sha256.js';

function listOf(hashes: Iterable<Uint8Array>): HashList {
  const list = new HashList();
  for (const hash of hashes) list.push(hash);
  return list;
}

// Few different bytes, so that hashes share their beginnings, or all of themselves.
const closeHash = fc
  .tuple(fc.constantFrom(0, 1, 255), fc.constantFrom(0, 128), fc.constantFrom(0, 7), fc.nat(2))
  .map(([first, fourth, fifth, last]) => {
    const hash = new Uint8Array(32);
    hash.set([first, 0, 0, fourth, fifth]);
    hash[31] = last;
    return hash;
  });

describe('HashList', () => {
  test('root: is that of the ids which are the hex of the hashes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(closeHash, { maxLength: 60 }), async (hashes) => {
        const ids = hashes.map(toHex);
        const { root, unique } = await listOf(hashes).root();
        expect(toHex(root)).toBe(await computeMerkleRoot(ids));
        expect(unique).toBe(new Set(ids).size);
      }),
    );
  });

  test('root: says where a hash first stands for a second time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(closeHash, { maxLength: 60 }), async (hashes) => {
        const ids = hashes.map(toHex);
        const index = ids.findIndex((id, place) => ids.indexOf(id) !== place);
        const repeat = index < 0 ? null : { index, of: ids.indexOf(ids[index] ?? '') };
        expect((await listOf(hashes).root()).firstRepeat).toEqual(repeat);
      }),
    );
  });

  test('root: of many hashes, with repeats, in turns of at most 1,000 leaves', async () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => toHex(hashText(`item ${index % 9000}`)));
    let turns = 0;
    const turn = async (): Promise<void> => void turns++;
    const result = await listOf(ids.map((id) => Buffer.from(id, 'hex'))).root({ turn });
    expect(toHex(result.root)).toBe(await computeMerkleRoot(ids));
    expect(result).toMatchObject({ unique: 9000, firstRepeat: { index: 9000, of: 0 } });
    expect(turns).toBeGreaterThanOrEqual(9);
  });

  test('root: of the same hash 100,000 times is that of one', async () => {
    const hash = hashText('x');
    const list = new HashList();
    for (let index = 0; index < 100_000; index++) list.push(hash);
    expect(await list.root()).toEqual({ ...(await listOf([hash]).root()), firstRepeat: { index: 1, of: 0 } });
    expect(list.size).toBe(100_000);
  });

  test('root: of an empty list is that of the empty set', async () => {
    expect(toHex((await new HashList().root()).root)).toBe(await computeMerkleRoot([]));
  });

  test('root: the list may go on growing afterwards', async () => {
    const list = listOf([hashText('a')]);
    await list.root();
    list.push(hashText('b'));
    expect(toHex((await list.root()).root)).toBe(
      await computeMerkleRoot(['a', 'b'].map((id) => toHex(hashText(id)))),
    );
  });

  test('push: keeps a copy', async () => {
    const hash = hashText('a');
    const list = listOf([hash]);
    hash.fill(0);
    expect(toHex((await list.root()).root)).toBe(await computeMerkleRoot([toHex(hashText('a'))]));
  });
});
