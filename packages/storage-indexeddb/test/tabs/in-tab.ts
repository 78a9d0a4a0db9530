// What the tabs of these tests can do; Node calls it by name.
import {
  type ClaimedJob,
  defineTask,
  Hub,
  isTaskHubError,
  type NewJob,
  type RunSummary,
} from '@taskhub/core';
import { IndexedDBAdapter } from '../../src/index.js';

/** How a call ended: its value, or the code and message of the error. */
export type Outcome<T> = { value: T } | { code: string; message: string };

/** The functions of a tab. */
export interface Tab {
  /** Runs `jobs` jobs of `ms` each; reports every handler call. Resolves when the run has ended. */
  run(options: RunOptions): Promise<Outcome<RunSummary>>;
  /** Starts the same and does not wait. */
  begin(options: RunOptions): void;
  /** Counters by the rows and as kept, and the outputs in order. */
  audit(): Promise<Audit>;
  identify(): Promise<string>;
  isGone(identity: string): Promise<boolean | undefined>;
  /** Claims and settles groups until nothing is left; reports what is acknowledged. */
  work(owner: string, group: number, durability: 'relaxed' | 'strict'): Promise<number[]>;
  /** Makes a task of `jobs` jobs for `work`. */
  prepare(jobs: number): Promise<void>;
  /** What is stored of the task of `prepare`. */
  stored(): Promise<Stored>;
  /** Raises the version of the database as a newer TaskHub would. */
  upgrade(): Promise<void>;
  /** Whether an adapter can be opened, and what it finds. */
  probe(): Promise<Outcome<number>>;
  /** Opens an adapter in a frame without an origin. */
  probeInSandbox(): Promise<string>;
}

/** Of a run. */
export interface RunOptions {
  jobs: number;
  ms: number;
  concurrency: number;
  /** Characters of each output. */
  output?: number;
}

/** What is stored about the one task. */
export interface Audit {
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

function inputsOf(jobs: number): { n: number }[] {
  return Array.from({ length: jobs }, (_, n) => ({ n }));
}

/** Text that no compression makes smaller. */
function noise(length: number): string {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return Array.from(bytes, (byte) => String.fromCharCode(byte + 0x100)).join('');
}

let hub: Hub | undefined;

async function run({ jobs, ms, concurrency, output = 0 }: RunOptions): Promise<RunSummary> {
  hub ??= new Hub(new IndexedDBAdapter());
  const source = defineTask({
    name: 'squares',
    concurrency: { initial: concurrency, max: concurrency },
    handler: async ({ n }: { n: number }) => {
      void window.report?.(n);
      await new Promise((resolve) => setTimeout(resolve, ms));
      return output > 0 ? noise(output) : n * n;
    },
  });
  const task = await hub.createTask(source, { inputs: inputsOf(jobs) });
  return task.start();
}

window.tab = {
  run: (options) => outcomeOf(run(options)),
  begin(options) {
    void outcomeOf(run(options));
  },
  async audit() {
    await using hub = new Hub(new IndexedDBAdapter());
    const [meta] = await hub.listTasks();
    const task = await hub.getTask(meta?.id ?? '');
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
  async identify() {
    return new IndexedDBAdapter().liveness.identify();
  },
  async isGone(identity) {
    return new IndexedDBAdapter().liveness.isGone(identity);
  },
  async prepare(jobs) {
    const store = new IndexedDBAdapter();
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
    await store.close();
  },
  async work(owner, group, durability) {
    const store = new IndexedDBAdapter('taskhub', { durability });
    await store.open();
    const mine: number[] = [];
    let held: ClaimedJob[] = [];
    for (;;) {
      const settle = held.map(({ seq }) => ({
        seq,
        startedAt: T0,
        endedAt: T0,
        outcome: 'completed' as const,
        output: `"${owner} ${seq}"`,
      }));
      const claim = { limit: group, leaseUntil: T0 + 30_000 };
      const { claimed, lost } = await store.exchange('t', { owner, now: T0, settle, claim });
      for (const { seq } of held) if (!lost.includes(seq)) mine.push(seq);
      const last = held.at(-1)?.seq;
      if (last !== undefined) void window.report?.(last); // All before it were settled in the same exchange or earlier.
      held = claimed;
      if (claimed.length === 0) break;
    }
    await store.close();
    return mine;
  },
  async stored() {
    const store = new IndexedDBAdapter();
    await store.open();
    const { rows } = await store.readJobs('t', { limit: 100_000 });
    const kept = (await store.readTask('t'))?.counts;
    await store.close();
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
  upgrade() {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open('taskhub', 99);
      request.onsuccess = () => {
        request.result.close();
        resolve();
      };
      request.onerror = () => reject(request.error);
      request.onblocked = () => reject(new Error('blocked'));
    });
  },
  async probe() {
    const store = new IndexedDBAdapter();
    const opened = await outcomeOf(store.open());
    if ('code' in opened) return opened;
    const { rows } = await store.listTasks({ limit: 10 });
    await store.close();
    return { value: rows.length };
  },
  probeInSandbox() {
    const frame = document.createElement('iframe');
    frame.sandbox.add('allow-scripts');
    const script = document.scripts[0]?.textContent ?? '';
    const ask =
      'tab.probe().then((outcome) => parent.postMessage(outcome.code + ": " + outcome.message, "*"))';
    frame.srcdoc = `<script>${script}</script><script>${ask}</script>`;
    document.body.append(frame);
    return new Promise((resolve) => {
      window.addEventListener('message', ({ data }) => resolve(data), { once: true });
    });
  },
};
