// What a run tells, collected for the view: counters are kept, jobs are not.
import { isRateLimitedByDefault, type Task, type TaskProgress } from '@shelchin/taskhub';
import { FailureKinds, labelOf } from '../failure-kinds.js';
import { oneLine } from '../text.js';
import type { Frame } from './frame.js';
import { Rate } from './rate.js';

const ERRORS_SHOWN = 2;

/** Listens to a task that runs in this process. */
export class Monitor {
  readonly kinds: FailureKinds = new FailureKinds();
  note: string | undefined;
  readonly #task: Task;
  readonly #rate = new Rate();
  readonly #errors: string[] = [];
  #progress: TaskProgress | undefined;
  #refusals = 0;
  #retries = 0;

  constructor(task: Task) {
    this.#task = task;
    task.on('progress', (progress) => this.#noted(progress));
    task.on('job:failed', (job) => {
      this.kinds.add(job);
      this.#remember(`row ${job.index + 1}: ${labelOf(job.failure)}: ${job.error}`);
    });
    task.on('job:retry', (job, attempt) => {
      if (isRateLimitedByDefault(job.failure)) this.#refusals += 1;
      else {
        this.#retries += 1;
        this.#remember(`row ${job.index + 1}, attempt ${attempt}: ${job.error ?? ''}`);
      }
    });
  }

  /** The numbers now. */
  frame(): Frame {
    const { completed = 0, failed = 0, active = 0, total = this.#task.totalJobs } = this.#progress ?? {};
    const { reason, samples } = this.#task.speed;
    return {
      name: this.#task.name,
      total,
      completed,
      failed,
      active,
      rate: this.#rate.value,
      remaining: this.#progress?.estimatedRemaining ?? null,
      elapsed: this.#progress?.elapsed ?? 0,
      concurrency: this.#progress?.concurrency ?? null,
      history: samples.map(({ limit }) => limit),
      refusals: this.#refusals,
      retries: this.#retries,
      kinds: this.kinds.list(),
      why: oneLine(reason),
      errors: this.#errors,
      note: this.note,
    };
  }

  #noted(progress: TaskProgress): void {
    this.#progress = progress;
    this.#rate.note(progress.completed + progress.failed, progress.elapsed);
  }

  #remember(error: string): void {
    if (this.#errors.push(oneLine(error)) > ERRORS_SHOWN) this.#errors.shift();
  }
}
