// The task in the databases that earlier versions have written: kept in the `fixtures` of the stores, in the middle of
// a run. Written once per format; not to be changed.
import { defineTask } from '@taskhub/core';

/** @param {(call: number) => void} called - is told of each handler call, and how many there were */
export function earlierTask(called) {
  let calls = 0;
  return defineTask({
    name: 'written by an earlier version',
    concurrency: { min: 4, max: 4, initial: 4 },
    retry: { baseDelay: 1000, maxDelay: 1000, jitter: 0 },
    // 0–3 complete, 4 fails for good, 5 waits for its next attempt, 6–9 are active, the others fresh.
    getData: () => Array.from({ length: 14 }, (_, n) => ({ n, text: `input ${n} é 👩‍👩‍👧` })),
    async handler({ n }) {
      calls += 1;
      called(calls);
      if (n < 4) return { square: n * n };
      if (n === 4) throw Object.assign(new Error('no such record'), { code: 'E_RECORD' });
      if (n === 5) throw Object.assign(new Error('broken'), { code: 'EPIPE' });
      return new Promise(() => {});
    },
  });
}
