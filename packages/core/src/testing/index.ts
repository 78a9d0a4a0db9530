// What is published as `@taskhub/core/testing`, by name.
export {
  type ConformanceRunner,
  type ConformanceSetup,
  conformance,
  type StorePlace,
} from './conformance.js';
export { type Fault, type FaultPlan, FaultyAdapter, type StorageMethod } from './faulty-adapter.js';
export { type Distribution, draw, seededRandom } from './laboratory/random.js';
export {
  bestPossible,
  runScenario,
  type ScenarioJob,
  type ScenarioOptions,
  type ScenarioResult,
  type Trial,
  type TrialWorld,
} from './laboratory/run-scenario.js';
export type {
  NeighbourModel,
  RateLimitModel,
  Scenario,
  ScenarioFile,
  ServerModel,
} from './laboratory/scenario.js';
export { type Answer, type ServerClock, SimulatedServer } from './laboratory/servers.js';
export { serverFetch } from './laboratory/simulated-fetch.js';
export { VirtualClock } from './virtual-clock.js';
