// What the pages of these tests do with any store.
import {
  type ClaimedJob,
  defineTask,
  type Hub,
  isTaskHubError,
  type RunSummary,
  type Settlement,
  type StorageAdapter,
} from '@taskhub/core';
import { newJobs, newTask, T0 } from './rows.ts';

/** How a call ended: its value, or the code and message of the error. */
export type Outcome<T> = { value: T } | { code: string; message: string };

export async function outcomeOf<T>(promise: Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await promise };
  } catch (error) {
    if (isTaskHubError(error)) return { code: error.code, message: error.message };
    return { code: 'none', message: String(error) };
  }
}

/** Of a run. */
export interface RunOptions {
  jobs: number;
  ms: number;
  concurrency: number;
  /** Characters of each output. */
  output?: number;
}

/** Tells the test of a handler call, or of what was acknowledged. */
export type Report = (value: number) => Promise<void> | void;

/** Runs a task whose jobs take `ms` each; reports every handler call. Resolves when the run has ended. */
export async function runSquares(hub: Hub, options: RunOptions, report: Report): Promise<RunSummary> {
  const { jobs, ms, concurrency, output = 0 } = options;
  const source = defineTask({
    name: 'squares',
    concurrency: { initial: concurrency, max: concurrency },
    handler: async ({ n }: { n: number }) => {
      void report(n);
      await new Promise((resolve) => setTimeout(resolve, ms));
      return output > 0 ? noise(output) : n * n;
    },
  });
  const task = await hub.createTask(source, { inputs: Array.from({ length: jobs }, (_, n) => ({ n })) });
  return task.start();
}

/** Text that no compression makes smaller. */
function noise(length: number): string {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return Array.from(bytes, (byte) => String.fromCharCode(byte + 0x100)).join('');
}

/** What is stored about the one task, seen from a hub without a source. */
export interface Audit {
  status: string | undefined;
  root: string | null | undefined;
  /** Counters as kept, and by the rows. */
  kept: Record<string, number>;
  counted: Record<string, number>;
  /** In source order. */
  outputs: unknown[];
}

/** @param hub - is closed */
export async function audit(hub: Hub): Promise<Audit> {
  await using watching = hub;
  const [meta] = await watching.listTasks();
  const task = await watching.getTask(meta?.id ?? '');
  const { completed, failed, pending, active } = (await task?.getProgress()) ?? {};
  const counted: Record<string, number> = { pending: 0, active: 0, completed: 0, failed: 0 };
  const outputs: unknown[] = [];
  for (const job of (await task?.getResults()) ?? []) {
    counted[job.status] = (counted[job.status] ?? 0) + 1;
    if (job.status === 'completed') outputs.push(job.output);
  }
  const kept = { pending, active, completed, failed } as Record<string, number>;
  return { status: meta?.status, root: meta?.merkleRoot, kept, counted, outputs };
}

/** Makes the task `t` of `jobs` jobs for `work`. */
export async function prepare(store: StorageAdapter, jobs: number): Promise<void> {
  await store.insertTask(newTask('t', { owner: 'none', leaseUntil: T0 }));
  for (let from = 1; from <= jobs; from += 1_000) {
    const batch = newJobs(from, Math.min(jobs, from + 999));
    await store.insertJobs('t', batch, { now: T0, last: from + 1_000 > jobs });
  }
}

/**
 * Claims and settles groups until nothing is left, or `isResting` says so: what is held is given back then.
 *
 * @returns the places of the jobs that were settled
 */
export async function work(
  store: StorageAdapter,
  owner: string,
  group: number,
  report: Report,
  isResting: () => boolean = () => false,
): Promise<number[]> {
  const mine: number[] = [];
  let held: ClaimedJob[] = [];
  for (;;) {
    const isLast = isResting();
    const settle = held.map(({ seq }): Settlement => {
      const times = { seq, startedAt: T0, endedAt: T0 };
      if (isLast) return { ...times, outcome: 'interrupted', dueAt: T0 };
      return { ...times, outcome: 'completed', output: `"${owner} ${seq}"` };
    });
    const claim = isLast ? null : { limit: group, leaseUntil: T0 + 30_000 };
    const { claimed, lost } = await store.exchange('t', { owner, now: T0, settle, claim });
    if (lost.length > 0) throw new Error(`lost ${lost.join()}`);
    if (isLast) return mine;
    for (const { seq } of held) mine.push(seq);
    const last = held.at(-1)?.seq;
    if (last !== undefined) await report(last); // Not faster than the test that watches.
    held = claimed;
    if (claimed.length === 0) return mine;
  }
}

/** Counters as kept and by the rows, and the places of completed jobs. */
export interface Stored {
  kept: unknown;
  counted: unknown;
  completed: number[];
  /** Jobs that came more than once in the pages. */
  twice: number;
}

/** What is stored of the task `t`. */
export async function stored(store: StorageAdapter): Promise<Stored> {
  const { rows } = await store.readJobs('t', { limit: 100_000 });
  const kept = (await store.readTask('t'))?.counts;
  const count = (status: string): number => rows.filter((row) => row.status === status).length;
  const completed = rows.filter((row) => row.status === 'completed').map((row) => row.seq);
  const counted = {
    total: rows.length,
    pending: count('pending'),
    waiting: rows.filter((row) => row.dueAt !== null).length,
    active: count('active'),
    completed: completed.length,
    failed: count('failed'),
  };
  return { kept, counted, completed, twice: rows.length - new Set(rows.map((row) => row.seq)).size };
}

/** Loads the script of this page in a frame without an origin, and what `tab.probe()` comes to there. */
export async function probeInSandbox(setUp = ''): Promise<string> {
  const text = await (await fetch('/page.js')).text();
  const frame = document.createElement('iframe');
  frame.sandbox.add('allow-scripts');
  const ask = 'tab.probe().then((outcome) => parent.postMessage(outcome.code + ": " + outcome.message, "*"))';
  // Not loaded by its address: whether a browser lets such a frame have it is another question.
  const load = `import(${JSON.stringify(`data:text/javascript,${encodeURIComponent(text)}`)})`;
  frame.srcdoc = `<script type="module">${setUp}; await ${load}; ${ask}</script>`;
  document.body.append(frame);
  return new Promise((resolve) => {
    window.addEventListener('message', ({ data }) => resolve(data), { once: true });
  });
}
