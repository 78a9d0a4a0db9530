// A handler that blocks the event loop of its process for longer than its lease, while another process works on the task.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Order } from './order.ts';
import { completedIn, countersAreRight } from './read-task.ts';
import { Place, readFile, startWorker } from './workers.ts';

export interface BlockedReport {
  store: string;
  blockedMs: number;
  leaseMs: number;
  jobs: number;
  lost: number;
  /** Completions announced more than once. */
  recordedTwice: number;
  /** Rows that the blocked process changed after its jobs had been taken over. */
  settledLate: number;
  countersWrong: number;
  /** Jobs that the blocked process held and another has done. */
  takenOver: number;
  /** ms from the block to the first of those in the other process: what was left of the lease, at the least. */
  takenOverAfterMs: number;
  /** Whether the process that was blocked has come to its own end. */
  ended: boolean;
}

const JOBS = 400;
const BLOCKING = 25;

/** Two processes on one file; the first is blocked in a handler for `blockedMs`. */
export async function blockOne(
  store: Order['store'],
  blockedMs: number,
  leaseMs: number,
): Promise<BlockedReport> {
  const place = new Place();
  const { path, journal } = place;
  const order: Order = {
    store,
    path,
    journal,
    jobs: JOBS,
    // Both have work for the whole block and beyond.
    ms: (blockedMs * 1.5 * 10) / JOBS,
    concurrency: 10,
    leaseMs,
    durability: 'relaxed',
    maxCrashes: 3,
  };
  const blocked = startWorker({ ...order, block: { n: BLOCKING, ms: blockedMs } });
  const workers = [blocked];
  try {
    while (!place.inputs('call').includes(BLOCKING)) await sleep(5);
    const other = startWorker(order);
    workers.push(other);
    const pid = String(blocked.process.pid);
    const heldAt = (await readFile(path))?.rows.filter(({ status }) => status === 'active') ?? [];
    const held = new Set(heldAt.map(({ input }) => (JSON.parse(input) as { n: number }).n));
    const calledFirst = place.lines().find(([what, n]) => what === 'call' && Number(n) === BLOCKING);
    const at = Number(calledFirst?.[3]);
    // As it is when the block ends: what the other has recorded must stay as it is.
    await sleep(at + blockedMs - 100 - Date.now());
    const before = (await readFile(path))?.rows ?? [];
    const signals = await Promise.all(workers.map(({ ended }) => ended));
    const found = await readFile(path);
    if (found === undefined) throw new Error('the task is gone');
    const again = place
      .lines()
      .filter(([what, n, by]) => what === 'call' && by !== pid && held.has(Number(n)));
    const acknowledged = place.inputs('ack');
    return {
      store,
      blockedMs,
      leaseMs,
      jobs: JOBS,
      lost: JOBS - completedIn(found.rows).size,
      recordedTwice: acknowledged.length - new Set(acknowledged).size,
      settledLate: before.filter(
        (row, at) => row.status === 'completed' && row.output !== found.rows[at]?.output,
      ).length,
      countersWrong: countersAreRight(found) ? 0 : 1,
      takenOver: new Set(again.map(([, n]) => n)).size,
      takenOverAfterMs: Math.min(...again.map(([, , , time]) => Number(time) - at)),
      ended: signals.every((signal) => signal === null),
    };
  } finally {
    for (const { process } of workers) process.kill('SIGKILL');
    place.remove();
  }
}
