// Seeded chance: the same seed gives the same bad night again.

/** A distribution of numbers; times are in ms. */
export type Distribution =
  | { dist: 'const'; value: number }
  | { dist: 'uniform'; min: number; max: number }
  | { dist: 'exp'; mean: number }
  /** `median · e^(sigma · N(0, 1))`. */
  | { dist: 'lognormal'; median: number; sigma: number };

/**
 * A source of numbers in [0, 1) that depends on the seed alone.
 *
 * @param seed - any number; only its 32 lowest bits count
 * @param stream - numbers of different streams of one seed have nothing to do with each other
 * @example
 * const random = seededRandom(1);
 * random() === seededRandom(1)(); // true
 * @see "mulberry32", Tommy Ettinger
 */
export function seededRandom(seed: number, stream = 0): () => number {
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One draw of a distribution, ≥ 0 where its parameters are. */
export function draw(distribution: Distribution, random: () => number): number {
  switch (distribution.dist) {
    case 'const':
      return distribution.value;
    case 'uniform':
      return distribution.min + (distribution.max - distribution.min) * random();
    case 'exp':
      return -Math.log(1 - random()) * distribution.mean;
    case 'lognormal': {
      const radius = Math.sqrt(-2 * Math.log(1 - random()));
      return distribution.median * Math.exp(distribution.sigma * radius * Math.cos(2 * Math.PI * random()));
    }
  }
}
