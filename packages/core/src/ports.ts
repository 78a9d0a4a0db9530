// What the engine needs of its surroundings besides a store: time, chance, fetch. Tests and the laboratory replace them.
import { type Clock, systemClock } from './clock.js';

/** Everything outside the engine that it does not get from the store or the user. */
export interface Ports {
  clock: Clock;
  /** A number in [0, 1). */
  random(): number;
  fetch: typeof globalThis.fetch;
}

/** The ports of the runtime. `fetch` is looked up at each call, so that it may be replaced later. */
export const systemPorts: Ports = {
  clock: systemClock,
  random: () => Math.random(),
  fetch: (...args) => globalThis.fetch(...args),
};
