// The job ids of a data set while it is being read, and the Merkle root over them: 40 bytes per id, outside the heap.
import { LEAVES_PER_TURN, type MerkleOptions, MerkleTree } from './merkle.js';

/** Hashes in one chunk of memory: 128 KiB. */
const CHUNK = 4096;

/** Hashes that are grouped between two pauses: a few ms. */
const MOVES_PER_TURN = 8000;

// Which half of a 64-bit number comes first in memory.
const [HIGH, LOW] = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? [1, 0] : [0, 1];

const DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** What the hashes of a list are as a set. */
export interface HashSetRoot {
  /** The Merkle root over the hex of the hashes, 32 bytes. */
  root: Uint8Array;
  /** How many hashes differ. */
  unique: number;
  /** Where a hash first stands for a second time, and where it stood first, from 0; null if all differ. */
  firstRepeat: { index: number; of: number } | null;
}

/** Hashes of 32 bytes in the order in which they came, and the Merkle root over them as a set. */
export class HashList {
  readonly #chunks: DataView<ArrayBuffer>[] = [];
  #newest = new Uint8Array(0);
  // How many hashes begin with which byte.
  readonly #counts = new Uint32Array(256);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds a copy of `hash` at the end. Up to 2^32 − 1 fit. */
  push(hash: Uint8Array): void {
    const place = this.#size % CHUNK;
    if (place === 0) {
      this.#newest = new Uint8Array(CHUNK * 32);
      this.#chunks.push(new DataView(this.#newest.buffer));
    }
    this.#newest.set(hash, place * 32);
    const first = at(hash, 0);
    this.#counts[first] = at(this.#counts, first) + 1;
    this.#size += 1;
  }

  /** The hash at an index below `size`, without a copy. */
  at(index: number): Uint8Array {
    return new Uint8Array(this.#chunk(index).buffer, (index % CHUNK) * 32, 32);
  }

  /** The root that `computeMerkleRoot` has for the hex of these hashes. The list must not grow meanwhile. */
  async root({ turn, hash }: MerkleOptions = {}): Promise<HashSetRoot> {
    const tree = new MerkleTree(hash);
    const hex = new Uint8Array(64);
    let firstRepeat: HashSetRoot['firstRepeat'] = null;
    let last = -1;
    for (const group of await this.#groups(turn)) {
      for (const index of this.#sorted(group)) {
        if (last >= 0 && this.#compare(last, index) === 0) {
          if (firstRepeat === null || index < firstRepeat.index) firstRepeat = { index, of: last };
          continue; // `last` stays the first of its equals.
        }
        last = index;
        this.#writeHex(index, hex);
        if (tree.append(hex).size % LEAVES_PER_TURN === 0) await turn?.();
      }
    }
    return { root: tree.root(), unique: tree.size, firstRepeat };
  }

  /**
   * Every hash as a 64-bit number, its first 32 bits · 2^32 + index, grouped by its first byte: sorting one group
   * takes so little time that nobody need wait for it. Written through 32-bit halves, since a BigInt is an object.
   */
  async #groups(turn: MerkleOptions['turn']): Promise<BigUint64Array[]> {
    const pairs = new BigUint64Array(this.#size);
    const halves = new Uint32Array(pairs.buffer);
    const next = new Uint32Array(256);
    for (let byte = 1; byte < 256; byte++) next[byte] = at(next, byte - 1) + at(this.#counts, byte - 1);
    const starts = [...next];
    for (let index = 0; index < this.#size; index++) {
      const prefix = this.#word(index, 0);
      const place = at(next, prefix >>> 24);
      next[prefix >>> 24] = place + 1;
      halves[place * 2 + HIGH] = prefix;
      halves[place * 2 + LOW] = index;
      if (index % MOVES_PER_TURN === MOVES_PER_TURN - 1) await turn?.();
    }
    return starts.map((start, byte) => pairs.subarray(start, next[byte]));
  }

  /** The indexes of a group in the order of their hashes, equal ones in the order in which they came. */
  *#sorted(group: BigUint64Array): Generator<number> {
    group.sort();
    const halves = new Uint32Array(group.buffer, group.byteOffset, group.length * 2);
    for (let start = 0, end = 0; start < group.length; start = end) {
      do end += 1;
      while (end < group.length && at(halves, end * 2 + HIGH) === at(halves, start * 2 + HIGH));
      if (end - start === 1) {
        yield at(halves, start * 2 + LOW);
      } else {
        // About n² / 2^33 hashes share their first 32 bits by chance: 116 pairs in a million.
        const tied = Array.from({ length: end - start }, (_, offset) =>
          at(halves, (start + offset) * 2 + LOW),
        );
        yield* tied.sort((a, b) => this.#compare(a, b) || a - b);
      }
    }
  }

  #compare(a: number, b: number): number {
    for (let word = 0; word < 8; word++) {
      const difference = this.#word(a, word) - this.#word(b, word);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #word(index: number, word: number): number {
    return this.#chunk(index).getUint32((index % CHUNK) * 32 + word * 4);
  }

  #writeHex(index: number, hex: Uint8Array): void {
    const chunk = this.#chunk(index);
    const start = (index % CHUNK) * 32;
    for (let offset = 0; offset < 32; offset++) {
      const byte = chunk.getUint8(start + offset);
      hex[offset * 2] = at(DIGITS, byte >>> 4);
      hex[offset * 2 + 1] = at(DIGITS, byte & 15);
    }
  }

  #chunk(index: number): DataView<ArrayBuffer> {
    return this.#chunks[Math.floor(index / CHUNK)] as DataView<ArrayBuffer>; // index < size
  }
}

/** `array[index]` where the index is known to be inside. */
function at(array: Uint8Array | Uint32Array, index: number): number {
  return array[index] as number;
}
