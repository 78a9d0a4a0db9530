// Chance that depends on a seed alone.
import { seededRandom } from '../../src/testing/laboratory/random.js';

/** Draws of one stream of a seed; streams have nothing to do with each other. */
export class Chance {
  readonly random: () => number;

  constructor(seed: number, stream: number) {
    this.random = seededRandom(seed, stream);
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  /** True this often. */
  is(share: number): boolean {
    return this.random() < share;
  }

  pick<T>(values: readonly [T, ...T[]]): T {
    return values[this.below(values.length)] as T; // in range
  }

  /** A key, drawn by the weights. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return (entries[0] as [K, number])[0]; // rounding
  }
}
