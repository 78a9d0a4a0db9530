// Runs scenarios in a process of its own, one after the other.
import type { SpeedSample } from '@taskhub/core';
import { runScenario, type Scenario, type Trial } from '@taskhub/core/testing';

/** A controller by its name, or a fixed number of calls at once. */
export type Policy = 'adaptive' | 'aimd' | number;

/** What is to be run. */
export interface Order {
  scenario: Scenario;
  seed: number;
  policy: Policy;
}

/** What came of it. */
export interface Outcome {
  ratio: number;
  waste: number;
  failed: number;
  /** Jobs that were left when the run was given up. */
  unfinished: number;
  jain?: number;
  /** The history of every client. */
  clients: SpeedSample[][];
}

function trialOf(policy: Policy): Trial {
  if (typeof policy === 'string') return { concurrency: { algorithm: policy } };
  return { concurrency: { algorithm: 'aimd', min: policy, max: policy, initial: policy } };
}

process.on('message', async ({ scenario, seed, policy }: Order) => {
  const { ratio, waste, failed, unfinished, jain, clients } = await runScenario(scenario, {
    seed,
    trial: () => trialOf(policy),
  });
  process.send?.({
    ratio,
    waste,
    failed,
    unfinished,
    ...(jain !== undefined && { jain }),
    clients: clients.map(({ speed }) => [...speed.samples]),
  } satisfies Outcome);
});
