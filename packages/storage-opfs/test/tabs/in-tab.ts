// What the tabs of these tests can do; Node calls it by name.
import {
  type ClaimedJob,
  defineTask,
  Hub,
  isTaskHubError,
  type NewJob,
  type RunSummary,
  type Settlement,
} from '@taskhub/core';
import { OPFSAdapter } from '../../src/index.js';

/** How a call ended: its value, or the code and message of the error. */
export type Outcome<T> = { value: T } | { code: string; message: string };

/** The functions of a tab. */
export interface Tab {
  /** Opens the store of this tab, and keeps it open. */
  open(): Promise<Outcome<null>>;
  close(): Promise<void>;
  /** The durability of the store of this tab, before it is opened. */
  use(durability: 'relaxed' | 'strict'): void;
  /** Makes one call on it. */
  touch(): Promise<Outcome<number>>;
  /** Runs `jobs` jobs of `ms` each; reports every handler call. Resolves when the run has ended. */
  run(options: RunOptions): Promise<Outcome<RunSummary>>;
  /** Starts the same and does not wait. */
  begin(options: RunOptions): void;
  /** The status, progress and results of the one task, from a hub without a source. */
  watch(): Promise<Watched>;
  /** A command to the one task, from a hub without a source. */
  command(name: 'pause' | 'stop'): Promise<void>;
  /** Claims and settles groups until nothing is left, or `rest`; reports what is acknowledged. */
  work(owner: string, group: number): Promise<number[]>;
  /** Lets `work` end: what it holds is given back. */
  rest(): void;
  /** Makes a task of `jobs` jobs for `work`. */
  prepare(jobs: number): Promise<void>;
  /** What is stored of the task of `prepare`. */
  stored(): Promise<Stored>;
  /** The bytes of the database as base64. */
  exportDatabase(): Promise<string>;
  /** Opens an adapter in a frame without an origin. */
  probeInSandbox(workerUrl?: string): Promise<string>;
}

/** Of a run. */
export interface RunOptions {
  jobs: number;
  ms: number;
  concurrency: number;
  /** Characters of each output. */
  output?: number;
  durability?: 'relaxed' | 'strict';
}

/** What a tab without a source sees. */
export interface Watched {
  status: string | undefined;
  root: string | null | undefined;
  kept: Record<string, number>;
  counted: Record<string, number>;
  outputs: unknown[];
}

/** Counters as kept and by the rows, and the places of completed jobs. */
export interface Stored {
  kept: unknown;
  counted: unknown;
  completed: number[];
  /** Jobs that came more than once in the pages. */
  twice: number;
}

declare global {
  interface Window {
    tab: Tab;
    report?(value: number): Promise<void>;
    /** Of the worker, in a frame that has none of its own. */
    workerUrl?: string;
  }
}

const T0 = 1_700_000_000_000;

async function outcomeOf<T>(promise: Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await promise };
  } catch (error) {
    if (isTaskHubError(error)) return { code: error.code, message: error.message };
    return { code: 'none', message: String(error) };
  }
}

/** Text that no compression makes smaller. */
function noise(length: number): string {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return Array.from(bytes, (byte) => String.fromCharCode(byte + 0x100)).join('');
}

let store = new OPFSAdapter('taskhub', { workerUrl: window.workerUrl });
let isResting = false;
let hub: Hub | undefined;

async function run({ jobs, ms, concurrency, output = 0, durability }: RunOptions): Promise<RunSummary> {
  hub ??= new Hub(new OPFSAdapter('taskhub', { durability }));
  const source = defineTask({
    name: 'squares',
    concurrency: { initial: concurrency, max: concurrency },
    handler: async ({ n }: { n: number }) => {
      void window.report?.(n);
      await new Promise((resolve) => setTimeout(resolve, ms));
      return output > 0 ? noise(output) : n * n;
    },
  });
  const inputs = Array.from({ length: jobs }, (_, n) => ({ n }));
  const task = await hub.createTask(source, { inputs });
  return task.start();
}

window.tab = {
  open: () => outcomeOf(store.open().then(() => null)),
  close: () => store.close(),
  use(durability) {
    store = new OPFSAdapter('taskhub', { durability });
  },
  touch: () => outcomeOf(store.listTasks({ limit: 10 }).then(({ rows }) => rows.length)),
  run: (options) => outcomeOf(run(options)),
  begin(options) {
    void outcomeOf(run(options));
  },
  async watch() {
    await using watching = new Hub(new OPFSAdapter());
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
  },
  async command(name) {
    await using commanding = new Hub(new OPFSAdapter());
    const [meta] = await commanding.listTasks();
    const task = await commanding.getTask(meta?.id ?? '');
    await task?.[name]();
  },
  async prepare(jobs) {
    await store.open();
    const task = { id: 't', name: 't', status: 'idle', options: '{}', reuseFrom: null } as const;
    await store.insertTask({ ...task, owner: 'none', leaseUntil: T0, now: T0 });
    for (let from = 1; from <= jobs; from += 1_000) {
      const batch = Array.from({ length: Math.min(1_000, jobs - from + 1) }, (_, at): NewJob => {
        const hash = new Uint8Array(32);
        new DataView(hash.buffer).setUint32(0, Math.imul(from + at, 0x9e3779b1));
        new DataView(hash.buffer).setUint32(4, from + at);
        return { seq: from + at, hash, key: null, input: `{"n":${from + at}}` };
      });
      await store.insertJobs('t', batch, { now: T0, last: from + 1_000 > jobs });
    }
  },
  async work(owner, group) {
    await store.open();
    const mine: number[] = [];
    let held: ClaimedJob[] = [];
    for (;;) {
      const isLast = isResting;
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
      if (last !== undefined) await window.report?.(last); // Not faster than the test that watches.
      held = claimed;
      if (claimed.length === 0) return mine;
    }
  },
  rest() {
    isResting = true;
  },
  async stored() {
    await store.open();
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
  },
  async exportDatabase() {
    await using exporting = new Hub(new OPFSAdapter());
    const bytes = await exporting.exportDatabase();
    const reader = new FileReader();
    const read = new Promise((resolve) => {
      reader.onload = resolve;
    });
    reader.readAsDataURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
    await read;
    return String(reader.result).split(',', 2)[1] ?? '';
  },
  async probeInSandbox(workerUrl) {
    const text = await (await fetch('/page.js')).text();
    const frame = document.createElement('iframe');
    frame.sandbox.add('allow-scripts');
    const ask =
      'tab.open().then((outcome) => parent.postMessage(outcome.code + ": " + outcome.message, "*"))';
    // Not loaded by its address: whether a browser lets such a frame have it is another question.
    const load = `import(${JSON.stringify(`data:text/javascript,${encodeURIComponent(text)}`)})`;
    const where = `window.workerUrl = ${JSON.stringify(workerUrl)}`;
    frame.srcdoc = `<script type="module">${where}; await ${load}; ${ask}</script>`;
    document.body.append(frame);
    return new Promise((resolve) => {
      window.addEventListener('message', ({ data }) => resolve(data), { once: true });
    });
  },
};
