// What the tabs of these tests can do; Node calls it by name.
import { Hub, type RunSummary } from '@taskhub/core';
import {
  type Audit,
  audit,
  type Outcome,
  outcomeOf,
  prepare,
  probeInSandbox,
  type RunOptions,
  runSquares,
  type Stored,
  stored,
  work,
} from 'tabs/in-page';
import { OPFSAdapter } from '../../src/index.js';

type Durability = 'relaxed' | 'strict';

/** The functions of a tab. */
export interface Tab {
  /** Opens the store of this tab, and keeps it open. */
  probe(): Promise<Outcome<null>>;
  close(): Promise<void>;
  /** The durability of the store of this tab, before it is opened. */
  use(durability: Durability): void;
  /** Makes one call on it. */
  touch(): Promise<Outcome<number>>;
  /** Runs `jobs` jobs of `ms` each; reports every handler call. Resolves when the run has ended. */
  run(options: RunOptions & { durability?: Durability }): Promise<Outcome<RunSummary>>;
  /** Starts the same and does not wait. */
  begin(options: RunOptions): void;
  /** The status, progress and results of the one task, from a hub without a source. */
  audit(): Promise<Audit>;
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

declare global {
  interface Window {
    tab: Tab;
    report?(value: number): Promise<void>;
    /** Of the worker, in a frame that has none of its own. */
    workerUrl?: string;
  }
}

const report = (value: number): Promise<void> | undefined => window.report?.(value);

let store = new OPFSAdapter('taskhub', { workerUrl: window.workerUrl });
let isResting = false;
let hub: Hub | undefined;

const run: Tab['run'] = ({ durability, ...options }) => {
  hub ??= new Hub(new OPFSAdapter('taskhub', { durability }));
  return outcomeOf(runSquares(hub, options, report));
};

async function opened(): Promise<OPFSAdapter> {
  await store.open();
  return store;
}

window.tab = {
  probe: () => outcomeOf(store.open().then(() => null)),
  close: () => store.close(),
  use(durability) {
    store = new OPFSAdapter('taskhub', { durability });
  },
  touch: () => outcomeOf(store.listTasks({ limit: 10 }).then(({ rows }) => rows.length)),
  run,
  begin: (options) => void run(options),
  audit: () => audit(new Hub(new OPFSAdapter())),
  async command(name) {
    await using commanding = new Hub(new OPFSAdapter());
    const [meta] = await commanding.listTasks();
    const task = await commanding.getTask(meta?.id ?? '');
    await task?.[name]();
  },
  prepare: async (jobs) => prepare(await opened(), jobs),
  work: async (owner, group) => work(await opened(), owner, group, report, () => isResting),
  rest() {
    isResting = true;
  },
  stored: async () => stored(await opened()),
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
  probeInSandbox: (workerUrl) => probeInSandbox(`window.workerUrl = ${JSON.stringify(workerUrl)}`),
};
