// `taskhub watch`: follows a task that other processes run.
import type { Task, TaskProgress, TaskStatus } from '@shelchin/taskhub';
import { findTask, withDatabase } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { FailureKinds } from '../failure-kinds.js';
import { countWorkers } from '../others.js';
import { Stopper } from '../stopper.js';
import type { Terminal } from '../terminal.js';
import { plural } from '../text.js';
import type { Frame } from '../view/frame.js';
import { Rate } from '../view/rate.js';
import { openView, pictureOf } from '../view/view.js';
import { taskOf } from './task-of.js';

/** ms between two looks at the database. */
const LOOK_MS = 500;
/** Failures that are looked at for their kinds. */
const MOST_FAILURES = 2000;
const HISTORY = 120;

export interface WatchCommand {
  db: string;
  json?: boolean;
}

export function watch(
  name: string | undefined,
  { db, json }: WatchCommand,
  terminal: Terminal,
): Promise<ExitCode> {
  return withDatabase(db, async (database) => {
    const task = await taskOf(database, await findTask(database, name));
    const watched = new Watched(task);
    const stopper = new Stopper(() => process.exit(EXIT.interrupted));
    const stopped = new Promise<void>((resolve) => stopper.steps({ gently: resolve, now: resolve }));
    await watched.look();
    const view =
      json === true
        ? undefined
        : openView(
            terminal,
            pictureOf(() => watched.frame()),
          );
    let said = '';
    try {
      for (;;) {
        const workers = await countWorkers(database.store, task.id);
        const line = JSON.stringify({
          id: task.id,
          name: task.name,
          status: task.status,
          workers,
          ...watched.numbers,
        });
        if (json === true && line !== said) await terminal.print(`${line}\n`);
        said = line;
        watched.note = `${plural(workers, 'process works', 'processes work')} on it`;
        if (task.status !== 'running' && workers === 0) return exitOf(task);
        await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, LOOK_MS))]);
        if (stopper.isStopped) return EXIT.interrupted;
        await watched.look();
      }
    } finally {
      view?.end();
      stopper.release();
    }
  });
}

/** What a run of another process has come to, as `taskhub run` would say it. */
function exitOf({ status, failedJobs, completedJobs, totalJobs }: Task): ExitCode {
  const isSettled = completedJobs + failedJobs === totalJobs;
  if (!isSettled || (status satisfies TaskStatus) === 'paused') return EXIT.halted;
  return failedJobs > 0 ? EXIT.someFailed : EXIT.completed;
}

/** The numbers of a task as they change in the database. */
class Watched {
  note: string | undefined;
  readonly #task: Task;
  readonly #rate = new Rate();
  readonly #since = performance.now();
  readonly #history: number[] = [];
  #progress: TaskProgress | undefined;
  #kinds = new FailureKinds();

  constructor(task: Task) {
    this.#task = task;
  }

  get numbers(): Pick<TaskProgress, 'total' | 'completed' | 'failed' | 'pending' | 'active'> {
    const { total = 0, completed = 0, failed = 0, pending = 0, active = 0 } = this.#progress ?? {};
    return { total, completed, failed, pending, active };
  }

  async look(): Promise<void> {
    const before = this.numbers.failed;
    this.#progress = await this.#task.getProgress();
    const { completed, failed, active } = this.#progress;
    this.#rate.note(completed + failed, performance.now() - this.#since);
    if (this.#history.push(active) > HISTORY) this.#history.shift();
    if (failed === before) return;
    const kinds = new FailureKinds();
    for await (const job of this.#task.results({ status: 'failed' })) {
      kinds.add(job);
      if (kinds.total === MOST_FAILURES) break;
    }
    this.#kinds = kinds;
  }

  frame(): Frame {
    const { pending, active, ...numbers } = this.numbers;
    const rate = this.#rate.value;
    return {
      name: this.#task.name,
      ...numbers,
      active,
      rate,
      remaining: rate === null || rate === 0 ? null : ((pending + active) * 1000) / rate,
      elapsed: performance.now() - this.#since,
      concurrency: null,
      history: this.#history,
      refusals: null,
      retries: null,
      kinds: this.#kinds.list(),
      why: undefined,
      errors: [],
      note: this.note,
    };
  }
}
