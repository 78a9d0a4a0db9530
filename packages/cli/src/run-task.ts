// One run of a task on the command line: shown while it goes on, ended by signals and by the clock.
import type { RunSummary, Task } from '@shelchin/taskhub';
import type { Database } from './database.js';
import { watchWorkers } from './others.js';
import type { Stopper } from './stopper.js';
import type { Terminal } from './terminal.js';
import { duration } from './text.js';
import type { Frame } from './view/frame.js';
import { Monitor } from './view/monitor.js';
import { openView, pictureOf } from './view/view.js';

export interface RunTaskOptions {
  database: Database;
  terminal: Terminal;
  stopper: Stopper;
  /** ms for which running handlers may go on after the first signal. */
  grace: number;
  /** ms after which the run ends. */
  until?: number | undefined;
}

/** The storage or the source failed while rows were run. */
export class RunEndedEarly extends Error {
  override readonly name = 'RunEndedEarly';

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Why a run is over. */
export type RunEnd = 'settled' | 'interrupted' | 'until' | 'halted' | 'paused';

/** Runs a task to its end, or until it is stopped, when the hub is closed as well. */
export async function runTask(
  task: Task,
  { database: { hub, store }, terminal, stopper, grace, until }: RunTaskOptions,
): Promise<{ summary: RunSummary; end: RunEnd; frame: Frame }> {
  const monitor = new Monitor(task);
  const view = openView(
    terminal,
    pictureOf(() => monitor.frame()),
  );
  const say = (note: string): void => view.say(terminal.colors.yellow(note));
  let isTimeUp = false;
  const endGently = (why: string): void => {
    monitor.note = `${why.toLowerCase()}: waiting for the calls on their way`;
    say(`${why}: calls on their way may end within ${duration(grace)}. Ctrl-C again does not wait.`);
    void hub.close({ grace });
  };
  stopper.steps({
    gently: () => endGently('Stopping'),
    now: () => {
      say('Aborting the calls on their way.');
      void hub.close();
    },
  });
  const timeUp = (): void => {
    isTimeUp = true;
    endGently('The time is up');
  };
  const timer = until === undefined ? undefined : setTimeout(timeUp, until);
  const unwatch = watchWorkers(store, task.id, (workers) =>
    say(
      workers > 1 ? `${workers} processes share this task now.` : 'This process works on the task alone now.',
    ),
  );
  task.on('error', (error) => view.say(terminal.colors.red(error.message)));
  try {
    const summary = await task.start().catch((error: unknown) => {
      throw new RunEndedEarly(error);
    });
    return { summary, end: endOf(summary, stopper.isStopped, isTimeUp), frame: monitor.frame() };
  } finally {
    clearTimeout(timer);
    monitor.note = undefined;
    unwatch();
    view.end();
  }
}

function endOf(summary: RunSummary, isStopped: boolean, isTimeUp: boolean): RunEnd {
  const { halted, completed, failed, total, status } = summary;
  if (halted !== undefined) return 'halted';
  if (status !== 'paused' && completed + failed === total) return 'settled';
  if (isStopped) return 'interrupted';
  return isTimeUp ? 'until' : 'paused';
}
