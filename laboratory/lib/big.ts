// Tasks that are large: by their texts, or by the number of jobs that have failed.
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Place, startWorker } from './workers.ts';

/** What big-worker.mjs is told. */
export interface BigOrder {
  store: 'node' | 'bun';
  path: string;
  journal: string;
  step: 'run' | 'read' | 'failures' | 'retry';
  jobs: number;
  inputChars: number;
  outputChars: number;
  isFailing: boolean;
}

/** One step, in a process of its own. */
export interface Step {
  step: BigOrder['step'];
  ms: number;
  /** Peak of the resident memory of the process. */
  peakMb: number;
  /** What the step came to, and how long `createTask` took. */
  result: Record<string, number | string>;
}

export interface BigReport {
  store: string;
  jobs: number;
  steps: Step[];
  databaseMb: number;
}

const WORKER = fileURLToPath(new URL('big-worker.mjs', import.meta.url));

type Size = Pick<BigOrder, 'store' | 'jobs' | 'inputChars' | 'outputChars'>;

/** Runs jobs with large texts, then reads them all. */
export function runLarge(size: Size): Promise<BigReport> {
  return inSteps(size, [['run'], ['read']]);
}

/** Lets all jobs fail, reads them, puts them back, runs them again with success, and reads those. */
export async function runFailed(store: BigOrder['store'], jobs: number): Promise<BigReport> {
  const size = { store, jobs, inputChars: 30, outputChars: 30 };
  return inSteps(size, [['run', true], ['failures'], ['retry'], ['run'], ['read']]);
}

async function inSteps(
  size: Size,
  steps: readonly (readonly [BigOrder['step'], boolean?])[],
): Promise<BigReport> {
  const place = new Place();
  const { path, journal } = place;
  try {
    for (const [step, isFailing = false] of steps)
      await startWorker<BigOrder>({ ...size, path, journal, step, isFailing }, WORKER).ended;
    return {
      store: size.store,
      jobs: size.jobs,
      steps: place.lines().map(([, step, ms, peak, ...json]) => ({
        step: step as BigOrder['step'],
        ms: Number(ms),
        peakMb: Math.round(Number(peak) / 1e6),
        result: JSON.parse(json.join(' ')),
      })),
      databaseMb: Math.round(statSync(path).size / 1e6),
    };
  } finally {
    place.remove();
  }
}
