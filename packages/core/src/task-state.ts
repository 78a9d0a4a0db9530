// Which command or event leads a task from which status to which. `docs/state-machine.md` is printed from this.
import type { StoredTaskStatus } from './storage/contract.js';
import type { TaskStatus } from './types.js';

interface TaskTransition {
  readonly from: readonly StoredTaskStatus[];
  readonly to: TaskStatus;
  /** When it happens, a phrase for the documentation. */
  readonly when: string;
}

/** What changes the stored status of a task. */
export type TaskEvent = 'publish' | 'start' | 'pause' | 'complete' | 'fail' | 'reset';

/** Every change of a stored task status. The store writes it only if the status is one of `from`. */
export const TASK_TRANSITIONS: Readonly<Record<TaskEvent, TaskTransition>> = {
  publish: { from: ['ingesting'], to: 'idle', when: 'the data set has been read and has its root' },
  start: {
    from: ['idle', 'running', 'paused', 'completed', 'failed'],
    to: 'running',
    when: '`start()` or `resume()`',
  },
  pause: {
    from: ['running'],
    to: 'paused',
    when: '`pause()`, `stop()`, `hub.close()`, or the source or storage failed',
  },
  complete: {
    from: ['running', 'paused'],
    to: 'completed',
    when: 'every job is settled and at least one completed',
  },
  fail: {
    from: ['running', 'paused'],
    to: 'failed',
    when: 'every job is settled and all failed, or the run was halted',
  },
  reset: { from: ['completed', 'failed'], to: 'paused', when: 'failed jobs were put back' },
};

/** Status of a task whose jobs are all settled. A task without jobs is complete. */
export function settledStatus(counts: { completed: number; failed: number }): 'completed' | 'failed' {
  return counts.failed > 0 && counts.completed === 0 ? 'failed' : 'completed';
}
