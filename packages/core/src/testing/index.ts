// What is published as `@taskhub/core/testing`, by name.
export {
  type ConformanceRunner,
  type ConformanceSetup,
  conformance,
  type StorePlace,
} from './conformance.js';
export { type Fault, type FaultPlan, FaultyAdapter, type StorageMethod } from './faulty-adapter.js';
export { VirtualClock } from './virtual-clock.js';
