// The public surface of @taskhub/core, by name.

export { isRateLimitedByDefault, isRetryableByDefault } from './classify.js';
export type { Clock, Timer } from './clock.js';
export { nextTurn, systemClock } from './clock.js';
export type { AIMDConfig } from './config.js';
export { DEFAULT_AIMD_CONFIG, DEFAULT_CONCURRENCY_CONFIG, DEFAULT_RETRY_CONFIG } from './config.js';
export type { DispatcherHost, RunEnd } from './dispatcher.js';
export { Dispatcher } from './dispatcher.js';
export type { ErrorCode } from './errors.js';
export { isTaskHubError, TaskHubError } from './errors.js';
export { EventEmitter } from './events.js';
export { HashIndex } from './hash-index.js';
export { HttpError } from './http.js';
export { Hub } from './hub.js';
export { generateJobId, generateTaskId } from './identity.js';
export type { JobsHost, Work } from './jobs-in-hand.js';
export type { MerkleProof } from './merkle.js';
export { computeMerkleRoot, merkleProof, verifyProof } from './merkle.js';
export type { Ports } from './ports.js';
export type { ResultsQuery } from './results.js';
export type { Sha256 } from './sha256.js';
export type { InputReader, TaskDefinition } from './source.js';
export { defineTask, TaskSource } from './source.js';
export type * from './storage/contract.js';
export { MemoryAdapter } from './storage/memory-adapter.js';
export { Task } from './task.js';
export type * from './types.js';
export { webLockLiveness, webLockTurns } from './web-locks.js';
