// What is mutated, and the tests that should notice: quick ones first.

/** Tests that go through the whole engine. */
const ENGINE = [
  'attempts.test.ts',
  'commands.test.ts',
  'timeout.test.ts',
  'closing.test.ts',
  'handlers.test.ts',
  'halt.test.ts',
  'cancelled.test.ts',
  'storage-failure.test.ts',
  'sharing.test.ts',
  'throttled.test.ts',
  'events.test.ts',
  'dynamic-source.test.ts',
];
const STORE = ['memory-adapter.test.ts'];
const CONTROLLER = ['throttled.test.ts', 'adaptive.test.ts'];

/** Test files by source file, by part of the engine. */
export const PARTS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  classify: {
    'classify.ts': ['classify.test.ts'],
    'failure.ts': ['failure.test.ts', 'classify.test.ts', 'untrusted.test.ts'],
    'hints.ts': ['hints.test.ts', 'http.test.ts'],
  },
  'job-state': {
    'job-state.ts': STORE,
    'task-state.ts': ['commands.test.ts', 'existing-tasks.test.ts', 'dynamic-source.test.ts', 'hub.test.ts'],
    'storage/memory-task.ts': STORE,
  },
  dispatcher: {
    'backoff.ts': ['backoff.test.ts'],
    'halt.ts': ['halt.test.ts'],
    'judge.ts': ENGINE,
    'settle.ts': ENGINE,
    'run-job.ts': ENGINE,
    'jobs-in-hand.ts': ENGINE,
    'dispatcher.ts': [...ENGINE, 'speed.test.ts'],
  },
  limit: {
    'limit/words.ts': ['speed.test.ts'],
    'limit/gate.ts': ['aimd.test.ts', ...CONTROLLER],
    'limit/limiter.ts': ['aimd.test.ts', ...CONTROLLER],
    'limit/aimd.ts': ['aimd.test.ts', 'throttled.test.ts', 'speed.test.ts'],
    'limit/adaptive.ts': CONTROLLER,
    'limit/adaptive/accept.ts': CONTROLLER,
    'limit/adaptive/admit.ts': CONTROLLER,
    'limit/adaptive/block.ts': CONTROLLER,
    'limit/adaptive/decrease.ts': CONTROLLER,
    'limit/adaptive/explain.ts': ['speed.test.ts', ...CONTROLLER],
    'limit/adaptive/latency.ts': CONTROLLER,
    'limit/adaptive/refuse.ts': CONTROLLER,
    'limit/adaptive/state.ts': CONTROLLER,
  },
};
