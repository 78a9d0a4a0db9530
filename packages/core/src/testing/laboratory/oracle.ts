// The client that knows everything about a server: the best run time that a controller is compared with.
import type { ServerClock, SimulatedServer } from './servers.js';

/** How often it looks again where capacity comes back without a call having ended (neighbours, schedules), ms. */
const LOOK_AGAIN = 5;

/**
 * Runs jobs as a client that knows the state of the server: the next job, in order, is sent as soon as fewer than
 * `max` calls are in flight and the server would serve it at once. A job that met an error is sent again at once.
 *
 * @param weights - one for each job
 * @param max - most calls in flight
 * @returns ms until the last job was completed
 */
export function runOracle(
  server: SimulatedServer,
  clock: ServerClock,
  weights: readonly number[],
  max: number,
): Promise<number> {
  const begin = clock.monotonic();
  return new Promise((resolve) => {
    let next = 0;
    let inFlight = 0;
    let completed = 0;
    const again: number[] = [];
    let timer: unknown;
    const send = (weight: number): void => {
      inFlight++;
      server.call(weight, (answer) => {
        inFlight--;
        if (answer.status === 'ok') completed++;
        else again.push(weight);
        if (completed === weights.length) resolve(clock.monotonic() - begin);
        else pump();
      });
    };
    const pump = (): void => {
      clock.clearTimeout(timer);
      while (inFlight < max) {
        const weight = again[0] ?? weights[next];
        if (weight === undefined) return;
        const wait = server.wait(weight);
        if (wait > 0) {
          timer = clock.setTimeout(pump, server.shifting ? Math.min(wait, LOOK_AGAIN) : wait);
          return;
        }
        if (again.length > 0) again.shift();
        else next++;
        send(weight);
      }
    };
    pump();
  });
}
