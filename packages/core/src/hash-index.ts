// From hashes to rows while a task is being read: which rows may have an equal hash. For stores that de-duplicate.

/**
 * The rows of hashes, by the first 64 bits of a hash. About 19 bytes per row, outside the heap.
 *
 * Two different hashes may share these bits: callers compare the whole hash with the rows that come back.
 */
export class HashIndex {
  // A table for each first byte of a hash, so that only 1/256 of the rows moves when one grows.
  readonly #tables = new Array<Table | undefined>(256).fill(undefined);
  #size = 0;

  /** Rows added so far. */
  get size(): number {
    return this.#size;
  }

  /**
   * Notes that a row has a hash.
   *
   * @param hash - at least 8 bytes, evenly distributed (of SHA-256, say)
   * @param seq - whole, from 1 to 2^32 − 1
   */
  add(hash: Uint8Array, seq: number): void {
    if (!(seq >= 1 && seq < 2 ** 32)) throw new RangeError(`${seq} is not the number of a row`);
    const high = word(hash, 0);
    const table = this.#tables[high >>> 24] ?? new Table();
    this.#tables[high >>> 24] = table;
    table.add(high, word(hash, 4), seq);
    this.#size += 1;
  }

  /** The rows whose hash may be equal, in any order; nearly always none or one. */
  candidates(hash: Uint8Array): readonly number[] {
    const high = word(hash, 0);
    return this.#tables[high >>> 24]?.find(high, word(hash, 4)) ?? NONE;
  }
}

const NONE: readonly number[] = Object.freeze([]);

/** Open addressing, linear probing. Grows by half when 4 of 5 slots are taken: 15 to 22.5 bytes per row. */
class Table {
  #slots = 8;
  #used = 0;
  // Three words per slot: both halves of the prefix, and the row, which is 0 in an empty slot.
  #words = new Uint32Array(this.#slots * 3);

  add(high: number, low: number, seq: number): void {
    if (this.#used * 5 >= this.#slots * 4) this.#grow();
    this.#put(high, low, seq);
    this.#used += 1;
  }

  find(high: number, low: number): readonly number[] {
    const words = this.#words;
    let found = NONE;
    for (let at = this.#start(high); words[at + 2] !== 0; at = this.#after(at)) {
      if (words[at] === high && words[at + 1] === low) found = [...found, words[at + 2] as number];
    }
    return found;
  }

  #put(high: number, low: number, seq: number): void {
    let at = this.#start(high);
    while (this.#words[at + 2] !== 0) at = this.#after(at);
    this.#words[at] = high;
    this.#words[at + 1] = low;
    this.#words[at + 2] = seq;
  }

  #grow(): void {
    const old = this.#words;
    this.#slots = Math.ceil(this.#slots * 1.5);
    this.#words = new Uint32Array(this.#slots * 3);
    for (let at = 0; at < old.length; at += 3) {
      const seq = old[at + 2] as number; // inside: the length is a multiple of 3
      if (seq !== 0) this.#put(old[at] as number, old[at + 1] as number, seq);
    }
  }

  // The first byte is the same in a whole table: the three after it say where to look.
  #start(high: number): number {
    return Math.floor(((high & 0xffffff) * this.#slots) / 2 ** 24) * 3;
  }

  #after(at: number): number {
    return at + 3 === this.#words.length ? 0 : at + 3;
  }
}

/** Four bytes of a hash as one number. */
function word(hash: Uint8Array, at: number): number {
  const byte = (offset: number): number => hash[at + offset] as number; // a hash has 8 bytes or more
  return ((byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)) >>> 0;
}
