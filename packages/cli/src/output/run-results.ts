// The output of a run: all rows in the order of the input once it is over, or each row as it comes.
import type { Task } from '@shelchin/taskhub';
import { UsageError } from '../usage-error.js';
import type { Output } from './output-file.js';
import { formatOf, jsonRow, rowWriter, type SettledJob, writeResults } from './results.js';

export class Results {
  readonly #task: Task;
  readonly #output: Output;
  readonly #asTheyCome: AsTheyCome | undefined;

  constructor(task: Task, output: Output, { order }: { order: 'input' | 'none' }) {
    this.#task = task;
    this.#output = output;
    if (order === 'none') this.#asTheyCome = new AsTheyCome(task, output);
  }

  /** Writes what is not written yet, and makes the file what it is called. */
  async write(): Promise<void> {
    const [task, output, early] = [this.#task, this.#output, this.#asTheyCome];
    await early?.written;
    const writer = await rowWriter(early === undefined ? formatOf(output.name) : 'jsonl', task);
    await output.write(writer.begin());
    // Rows of earlier runs and of other processes did not come by.
    if (early === undefined || early.rows < task.completedJobs + task.failedJobs) {
      await writeResults(task, output, writer, (job) => early?.has(job) !== true);
    }
    await output.finish();
  }
}

/** Writes jobs when they are settled, and remembers which. */
class AsTheyCome {
  readonly #done: Uint8Array;
  written: Promise<void> = Promise.resolve();
  rows = 0;

  constructor(task: Task, output: Output) {
    if (task.type === 'dynamic') throw new UsageError('--order none needs a task whose data is known.');
    this.#done = new Uint8Array(Math.ceil((task.totalJobs + task.duplicateInputs + 1) / 8));
    const write = (job: SettledJob): void => {
      this.rows += 1;
      this.#done[job.index >> 3] = (this.#done[job.index >> 3] ?? 0) | (1 << (job.index & 7));
      this.written = this.written.then(async () => output.write(jsonRow(job)));
    };
    task.on('job:complete', write);
    task.on('job:failed', write);
  }

  has({ index }: SettledJob): boolean {
    return ((this.#done[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }
}
