// The Merkle tree of RFC 6962 over a set of ids: its root, streamed, and proofs that an id is in it.
import { fromHex, type Sha256, sha256, toHex, utf8 } from './sha256.js';

/**
 * The root over leaves that are given one by one, in memory of O(log n).
 *
 * Leaf = SHA-256(0x00 ‖ data), node = SHA-256(0x01 ‖ left ‖ right): no inner node can pass for a leaf.
 *
 * @see RFC 6962, section 2.1
 */
export class MerkleTree {
  readonly #hash: Sha256;
  // Roots of the full subtrees so far, largest first: one for every 1 in the binary form of the size.
  readonly #peaks: Uint8Array[] = [];
  #leaf = new Uint8Array(1);
  #size = 0;

  constructor(hash: Sha256 = sha256) {
    this.#hash = hash;
  }

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  /** Adds a leaf and gives the tree itself. */
  append(data: Uint8Array): this {
    if (this.#leaf.length !== data.length + 1) this.#leaf = new Uint8Array(data.length + 1);
    this.#leaf.set(data, 1);
    let top = this.#hash(this.#leaf);
    for (let size = this.#size; size % 2 === 1; size = (size - 1) / 2) {
      top = join(this.#peaks.pop() as Uint8Array, top, this.#hash); // a 1 in the size is a peak
    }
    this.#peaks.push(top);
    this.#size += 1;
    return this;
  }

  /** The root over the leaves so far, 32 bytes. More may be appended afterwards. */
  root(): Uint8Array {
    const root = this.#peaks.reduceRight<Uint8Array | undefined>(
      (right, left) => (right === undefined ? left : join(left, right, this.#hash)),
      undefined,
    );
    return root ?? this.#hash(new Uint8Array(0));
  }
}

const node = new Uint8Array(65).fill(1, 0, 1);

function join(left: Uint8Array, right: Uint8Array, hash: Sha256): Uint8Array {
  node.set(left, 1);
  node.set(right, 33);
  return hash(node);
}

/** How a long calculation is done. */
export interface MerkleOptions {
  /** Awaited every few milliseconds of work, so that the event loop can go on. @default no pause */
  turn?: (() => Promise<void>) | undefined;
  /** @default SHA-256 in JavaScript */
  hash?: Sha256 | undefined;
}

/** Leaves between two pauses: about 4 ms. */
export const LEAVES_PER_TURN = 1000;

/**
 * The Merkle root over a set of job ids: what identifies a data set.
 *
 * Order and repeats do not matter: each id counts once, sorted by UTF-16 code unit. Leaves are the UTF-8 of ids.
 *
 * @returns hex of 32 bytes; the SHA-256 of nothing for no ids
 * @throws TaskHubError `INVALID_CONFIG` for an id with a lone surrogate
 * @example
 * (await computeMerkleRoot(['b', 'a', 'b'])) === (await computeMerkleRoot(['a', 'b'])); // true
 * @see RFC 6962, section 2.1
 */
export async function computeMerkleRoot(ids: Iterable<string>, options: MerkleOptions = {}): Promise<string> {
  const tree = new MerkleTree(options.hash);
  for (const id of distinct(ids)) {
    tree.append(utf8(id));
    if (tree.size % LEAVES_PER_TURN === 0) await options.turn?.();
  }
  return toHex(tree.root());
}

function distinct(ids: Iterable<string>): string[] {
  return [...new Set(ids)].sort();
}

/** Shows that an id is in the set that has a root, to somebody who has only the root. */
export interface MerkleProof {
  id: string;
  /** Place of the id in the sorted set, from 0. */
  index: number;
  /** Ids in the set. */
  size: number;
  /** Hex of the roots beside the way from the leaf to the root, the lowest first. */
  path: string[];
}

/** The proof that `id` is among `ids`, or null if it is not. Synchronous, 4 µs per id. */
export function merkleProof(ids: Iterable<string>, id: string): MerkleProof | null {
  let leaves = distinct(ids);
  let index = leaves.indexOf(id);
  if (index < 0) return null;
  const proof: MerkleProof = { id, index, size: leaves.length, path: [] };
  while (leaves.length > 1) {
    const half = leftSize(leaves.length);
    const [left, right] = [leaves.slice(0, half), leaves.slice(half)];
    proof.path.unshift(rootOf(index < half ? right : left));
    [leaves, index] = index < half ? [left, index] : [right, index - half];
  }
  return proof;
}

/** Whether a proof holds for a root (hex). False, not an error, for anything that is no proof at all. */
export function verifyProof(proof: MerkleProof, root: string): boolean {
  try {
    const path = proof.path.map(fromHex);
    const climb = (index: number, size: number): Uint8Array => {
      if (size === 1 && index === 0) return new MerkleTree().append(utf8(proof.id)).root();
      const half = leftSize(size);
      const beside = path.pop();
      if (beside?.length !== 32) throw new RangeError('the path is too short');
      return index < half
        ? join(climb(index, half), beside, sha256)
        : join(beside, climb(index - half, size - half), sha256);
    };
    return toHex(climb(proof.index, proof.size)) === root && path.length === 0;
  } catch {
    return false; // A proof that cannot be followed proves nothing.
  }
}

function rootOf(leaves: readonly string[]): string {
  const tree = new MerkleTree();
  for (const leaf of leaves) tree.append(utf8(leaf));
  return toHex(tree.root());
}

/** Leaves of the left subtree: the largest power of two below the size. */
function leftSize(size: number): number {
  let half = 1;
  while (half * 2 < size) half *= 2;
  return half;
}
