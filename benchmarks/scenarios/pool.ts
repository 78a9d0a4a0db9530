// Processes that share a list of runs. Which of them runs what changes no result.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Order, Outcome } from './worker.ts';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));

/**
 * Runs all orders.
 *
 * @param done - told of each as it ends
 * @returns the outcomes in the order of the orders
 */
export async function runAll(orders: readonly Order[], done: (order: Order) => void): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    const worker = fork(WORKER);
    const died = once(worker, 'exit').then(([code]) => {
      throw new Error(`a process that runs scenarios ended with ${code}`);
    });
    died.catch(() => undefined); // it ends when all is done, too
    try {
      for (let i = next++; i < orders.length; i = next++) {
        const order = orders[i] as Order; // i < length
        worker.send(order);
        const [outcome] = (await Promise.race([once(worker, 'message'), died])) as [Outcome];
        outcomes[i] = outcome;
        done(order);
      }
    } finally {
      worker.kill();
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), orders.length) }, work));
  return outcomes;
}
