// The shape of a file of scenarios: simulated servers, and the batch that is run against each.
import type { Distribution } from './random.js';

/** A rate limit. `rate` is per second, `window` and `phase` are ms, limits and bursts are calls or weight. */
export type RateLimitModel = {
  /** What a call costs: 1, or the weight of its job. @default 'req' */
  unit?: 'req' | 'weight';
  /** Whether a refused call costs as much as an admitted one. @default false */
  countRefused?: boolean;
} & (
  | { kind: 'bucket'; rate: number; burst: number }
  | { kind: 'fixed'; limit: number; window: number; phase?: number }
  | { kind: 'sliding'; limit: number; window: number }
);

/** Others who use the same server. */
export type NeighbourModel =
  /** From 5 s on, holds up to `slots` free slots of the cap for `on` ms, then none for `off` ms, and so on. */
  | { kind: 'hold'; slots: number; on: Distribution; off: Distribution }
  /** Takes tokens of the buckets at `rate` calls per second in phases of `on` ms, with pauses of `off` ms. */
  | { kind: 'poisson'; rate: number; on: Distribution; off: Distribution };

/** How a server behaves; see `docs/adaptive.md` for the order in which the parts decide. */
export interface ServerModel {
  /** Service time of a call in ms: latency, or work where the server shares its speed. */
  latency: Distribution;
  /** ms added to the latency per unit of weight. @default 0 */
  perWeight?: number;
  /** ms after which a refusal is answered. */
  rejectMs: number;
  /** A refusal bans for `ms`; with `extend` every call during the ban begins it anew. */
  penalty?: { ms: number; extend?: boolean };
  /** All of them must have room. */
  limits?: RateLimitModel[];
  /** Most calls being served. */
  cap?: number;
  /** First come, first served; HTTP 503 when `maxQueue` calls wait already. */
  queue?: { workers: number; maxQueue: number };
  /** Processor sharing: beyond `knee` calls the total speed is `knee / (1 + alpha · (calls − knee))`. */
  share?: { knee: number; alpha: number };
  /** Chance of an HTTP 500 after the latency. @default 0 */
  errorRate?: number;
  /** `'ms'`: refusals tell the exact wait; `'s'`: rounded up to whole seconds. Absent: they tell nothing. */
  retryAfter?: 'ms' | 's';
  /** Whether accepted answers tell what is left of a limit, and when there is more. @default false */
  headers?: boolean;
  /** From `at` ms on, all capacity is multiplied by `factor`. */
  schedule?: { at: number; factor: number }[];
  neighbours?: NeighbourModel;
}

/** A server, the batch that is run against it, and how long the best possible client takes. */
export interface Scenario {
  id: string;
  note?: string;
  family?: string;
  /** Every client has its own queue of this many jobs, and its own controller. */
  jobsPerClient: number;
  clients: number;
  maxConcurrency: number;
  initialConcurrency: number;
  minConcurrency: number;
  /** A call without an answer after this many ms has failed for the client; the server goes on with it. */
  clientTimeoutMs: number;
  /** Weights of the jobs, rounded, at least 1; `null`: every job weighs 1. Clients do not know them. */
  weights: Distribution | null;
  server: ServerModel;
  /** Makespan in ms of a client that knows everything; computed where it is absent. */
  oracleMs?: number;
  oracleRangeMs?: [number, number];
}

/** The contents of a file of scenarios. */
export interface ScenarioFile {
  version: 1;
  note?: string;
  scenarios: Scenario[];
}
