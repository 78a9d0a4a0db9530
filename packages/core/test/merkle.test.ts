import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computeMerkleRoot, MerkleTree, merkleProof, verifyProof } from '../src/merkle.js';
import { fromHex, toHex } from '../src/sha256.js';
import { ID_ROOTS, RAW_LEAVES, RAW_ROOTS } from './merkle-vectors.js';

const hash = (...parts: (string | Uint8Array)[]): Buffer => {
  const sha = createHash('sha256');
  for (const part of parts) sha.update(part);
  return sha.digest();
};

// Word by word as in RFC 6962, section 2.1, with another hash.
function naiveRoot(leaves: readonly (string | Uint8Array)[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return hash();
  if (leaves.length === 1) return hash(Buffer.of(0), only);
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return hash(Buffer.of(1), naiveRoot(leaves.slice(0, half)), naiveRoot(leaves.slice(half)));
}

const anyIds = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 40 });

describe('MerkleTree', () => {
  test.each(RAW_ROOTS.map((root, size) => [size, root] as const))(
    'root: of %i raw leaves is that of RFC 6962',
    (size, root) => {
      const tree = new MerkleTree();
      for (const leaf of RAW_LEAVES.slice(0, size)) tree.append(fromHex(leaf));
      expect([tree.size, toHex(tree.root())]).toEqual([size, root]);
    },
  );

  test('root: may be asked for after every leaf', () => {
    const tree = new MerkleTree();
    const roots = RAW_LEAVES.map((leaf) => toHex(tree.append(fromHex(leaf)).root()));
    expect(roots).toEqual(RAW_ROOTS.slice(1));
  });

  test('property: the streamed root is the recursive one', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array(), { maxLength: 130 }), (leaves) => {
        const tree = new MerkleTree();
        for (const leaf of leaves) tree.append(leaf);
        expect(toHex(tree.root())).toBe(naiveRoot(leaves).toString('hex'));
      }),
    );
  });

  test('hash: the hash that is passed in is used', () => {
    const native = new MerkleTree((data) => createHash('sha256').update(data).digest());
    for (const leaf of RAW_LEAVES) native.append(fromHex(leaf));
    expect(toHex(native.root())).toBe(RAW_ROOTS[8]);
  });
});

describe('computeMerkleRoot', () => {
  test.each(ID_ROOTS)('root: of %s is fixed for ever', async (_, ids, root) => {
    expect(await computeMerkleRoot(ids)).toBe(root);
  });

  test('root: the same data in another order, or with repeats, is the same data', async () => {
    await fc.assert(
      fc.asyncProperty(anyIds, fc.infiniteStream(fc.boolean()), async (ids, coins) => {
        const repeated = ids.filter(() => coins.next().value).concat([...ids].reverse());
        expect(await computeMerkleRoot(repeated)).toBe(await computeMerkleRoot(new Set(ids)));
        expect(await computeMerkleRoot(ids)).toBe(naiveRoot([...new Set(ids)].sort()).toString('hex'));
      }),
    );
  });

  test('root: no inner node can pass for a leaf', async () => {
    const [left, right] = [naiveRoot(['a']), naiveRoot(['b'])];
    expect(hash(Buffer.of(0), left, right).toString('hex')).not.toBe(await computeMerkleRoot(['a', 'b']));
  });

  test('root: an id with a lone surrogate is refused, since it has no UTF-8 of its own', async () => {
    await expect(computeMerkleRoot(['a', '\ud800'])).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('turn: is awaited every 1,000 leaves', async () => {
    let turns = 0;
    const turn = async (): Promise<void> => void turns++;
    await computeMerkleRoot(
      Array.from({ length: 2500 }, (_, index) => String(index)),
      { turn },
    );
    expect(turns).toBe(2);
  });
});

describe('proofs', () => {
  test('proof: of every id verifies with the root, and with no other', async () => {
    await fc.assert(
      fc.asyncProperty(anyIds, async (ids) => {
        const root = await computeMerkleRoot(ids);
        for (const id of ids) {
          const proof = merkleProof(ids, id);
          expect(proof !== null && verifyProof(proof, root)).toBe(true);
          expect(proof !== null && verifyProof(proof, RAW_ROOTS[3] as string)).toBe(false);
        }
      }),
    );
  });

  test('proof: there is none for an id that is not in the set', () => {
    expect(merkleProof(['a', 'b'], 'c')).toBeNull();
    expect(merkleProof([], 'c')).toBeNull();
  });

  test('proof: of one id in 1,024 has a path of 10', () => {
    const ids = Array.from({ length: 1024 }, (_, index) => `id-${index}`);
    expect(merkleProof(ids, 'id-77')?.path).toHaveLength(10);
  });

  test('proof: one that was tampered with, or is none at all, does not verify', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const root = await computeMerkleRoot(ids);
    const proof = merkleProof(ids, 'c');
    if (proof === null) throw new Error('no proof');
    const [first = '', ...others] = proof.path;
    const tampered = [
      { ...proof, id: 'b' },
      { ...proof, id: '\ud800' },
      { ...proof, index: 1 },
      { ...proof, index: -1 },
      { ...proof, index: 2.5 },
      { ...proof, size: 3 },
      { ...proof, size: Number.POSITIVE_INFINITY },
      { ...proof, size: 0 },
      { ...proof, path: others },
      { ...proof, path: [first, ...proof.path] },
      { ...proof, path: [first.slice(2), ...others] },
      { ...proof, path: ['no hex', ...others] },
      { id: 'c' },
      null,
    ] as (typeof proof)[];
    expect(verifyProof(proof, root)).toBe(true);
    expect(tampered.map((other) => verifyProof(other, root))).toEqual(tampered.map(() => false));
  });
});
