// Random sequences of calls by two owners, compared call by call with a model. Of a sequence that fails, steps are left
// out as long as it still fails; what is left is in the message, with its seed.
//
// A step is data, and says by a seed of its own what it does with the tasks as they are then: so a sequence without some of
// its steps can be played as well. No library does the shrinking: whoever tests a store would have to install it.
import { systemClock } from '../../clock.js';
import type { Exchange, ExchangeResult, NewJob, Settlement, StorageAdapter } from '../../storage/contract.js';
import type { TaskStatus } from '../../types.js';
import { allJobs, countedRows, hashOf, hex, LEASE, newTask, plain, T0 } from './fixtures.js';
import { gone, ModelTask } from './model.js';
import type { Suite, World } from './suite.js';

const STEPS = 500;
/** Rows are compared after so many steps. */
const LOOK = 25;
/** Longest that a failure is shrunk. */
const SHRINK_MS = 10_000;
const OWNERS = ['ann', 'bob'] as const;
const TASKS = ['t', 'u'] as const;
const HOUR = 3_600_000;

type Owner = (typeof OWNERS)[number];

/** What a step does, and how often of 100. */
const KINDS = {
  exchange: 56,
  insertJobs: 18,
  releaseJobs: 4,
  resetFailed: 5,
  renewLeases: 4,
  listOwners: 3,
  transitionTask: 4,
  readTask: 2,
  insertTask: 2,
  deleteTask: 1,
  reopen: 1,
} as const;
type Kind = keyof typeof KINDS;

interface Step {
  kind: Kind;
  owner: Owner;
  task: (typeof TASKS)[number];
  /** By how much the clock has moved; below 0 when it was set back. */
  ms: number;
  seed: number;
}

/** Draws that depend on a seed alone (mulberry32). */
class Draws {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    const state = this.#state;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] as T; // in range
  }
}

function stepsOf(seed: number): Step[] {
  const draws = new Draws(seed);
  const kinds = Object.entries(KINDS).flatMap(([kind, share]) => Array<Kind>(share).fill(kind as Kind));
  return Array.from({ length: STEPS }, () => ({
    kind: kinds[draws.below(kinds.length)] as Kind, // in range
    owner: draws.pick(OWNERS),
    task: draws.below(8) === 0 ? 'u' : 't',
    ms: leap(draws),
    seed: draws.below(2 ** 32),
  }));
}

function leap(draws: Draws): number {
  const kind = draws.below(24);
  if (kind === 0) return draws.below(2 * HOUR) - HOUR;
  return draws.below(kind < 3 ? 2 * LEASE : 900);
}

/** The handles of the owners, on the same data. */
class Handles {
  readonly #world: World;
  #ann: StorageAdapter;
  #bob: StorageAdapter;

  private constructor(world: World, bob: StorageAdapter) {
    this.#world = world;
    this.#ann = world.store;
    this.#bob = bob;
  }

  static async of(world: World): Promise<Handles> {
    return new Handles(world, await world.other());
  }

  /** The one of an owner. */
  of(owner: Owner): StorageAdapter {
    return owner === 'ann' ? this.#ann : this.#bob;
  }

  /** Closes both, and opens them again. */
  async reopen(): Promise<void> {
    const isOne = this.#ann === this.#bob;
    this.#ann = await this.#world.reopen();
    this.#bob = isOne ? this.#ann : await this.#world.other();
  }
}

/** One sequence. It begins with two tasks that hold nothing. */
class Play {
  readonly #world: World;
  readonly #handles: Handles;
  /** Numbers that tasks ever had: none may come again. */
  readonly #numbers: Set<number>;
  readonly #tasks = new Map<string, ModelTask>();
  /** What was completed at the last look, by number of the task and place. */
  readonly #completed = new Map<string, unknown>();
  #now = T0;
  #source = 0;
  /** The calls that were made. */
  readonly calls: string[] = [];

  constructor(world: World, handles: Handles, numbers: Set<number>) {
    this.#world = world;
    this.#handles = handles;
    this.#numbers = numbers;
  }

  async run(steps: readonly Step[]): Promise<void> {
    const store = this.#handles.of('ann');
    for (const id of TASKS) {
      await store.deleteTask(id);
      await this.#insertTask(store, id);
    }
    for (const [at, step] of steps.entries()) {
      this.#now += step.ms;
      await this.#step(step, new Draws(step.seed));
      if ((at + 1) % LOOK === 0 || at === steps.length - 1) for (const id of TASKS) await this.#look(id);
    }
  }

  async #step({ kind, owner, task: id }: Step, draws: Draws): Promise<void> {
    const now = this.#now;
    const store = this.#handles.of(owner);
    const task = this.#tasks.get(id);
    switch (kind) {
      case 'exchange':
        return this.#exchange(store, id, owner, draws);
      case 'insertJobs':
        return this.#insertJobs(store, id, draws);
      case 'insertTask':
        return this.#insertTask(store, id);
      case 'reopen':
        this.#says('reopen');
        return this.#handles.reopen();
      case 'deleteTask':
        this.#tasks.delete(id);
        return this.#same(task !== undefined, await store.deleteTask(id), kind, id);
      case 'readTask':
        return this.#same(task?.record() ?? null, await store.readTask(id), kind, id);
      case 'listOwners':
        return this.#same(sorted(task?.owners() ?? []), sorted(await store.listOwners(id)), kind, id);
      case 'renewLeases': {
        for (const { leases } of this.#tasks.values()) if (leases.has(owner)) leases.set(owner, now + LEASE);
        this.#says(kind, owner);
        return store.renewLeases(owner, now + LEASE);
      }
      case 'releaseJobs': {
        const whose = { owner: draws.pick(OWNERS), crashed: draws.below(2) === 0 };
        const released = task?.release(whose.owner, whose.crashed, now) ?? 0;
        return this.#same(released, await store.releaseJobs(id, whose, now), kind, id, whose);
      }
      case 'resetFailed': {
        const limit = 1 + draws.below(5);
        const places = (task?.jobs ?? []).map(({ seq }) => seq).filter(() => draws.below(3) === 0);
        const seqs = draws.below(2) === 0 ? undefined : places;
        const reset = task?.reset(limit, now, seqs) ?? { reset: 0, counts: gone([]).counts };
        return this.#same(reset, await store.resetFailed(id, limit, now, seqs), kind, id, limit, seqs);
      }
      case 'transitionTask': {
        const from = (['idle', 'running', 'paused'] as const).filter(() => draws.below(2) === 0);
        const patch = {
          status: draws.pick<TaskStatus>(['idle', 'running', 'paused', 'completed', 'failed']),
          ...(draws.below(3) === 0 && { options: `{"at":${now}}` }),
          ...(draws.below(3) === 0 && { ingested: draws.below(2) === 0 }),
          ...(draws.below(3) === 0 && { duplicates: draws.below(9) }),
        } as const;
        const record = task?.transition(from, patch, now) ?? null;
        return this.#same(record, await store.transitionTask(id, from, patch, now), kind, id, from, patch);
      }
    }
  }

  async #insertTask(store: StorageAdapter, id: string): Promise<void> {
    const given = newTask(id, { now: this.#now });
    const known = this.#tasks.get(id);
    const { task, created } = await store.insertTask(given);
    const model = known ?? new ModelTask(task.no, given);
    this.#tasks.set(id, model);
    const expected = { task: model.record(), created: known === undefined };
    this.#same(expected, { task, created }, 'insertTask', id, this.#now);
    if (created && this.#numbers.has(task.no)) throw new Error(`the number ${task.no} was given before`);
    this.#numbers.add(task.no);
  }

  /** The number of the task that has the id, of another one, or none. */
  #no(task: ModelTask | undefined, draws: Draws): number | undefined {
    const kind = draws.below(8);
    if (kind === 0) return [...this.#numbers][draws.below(this.#numbers.size)];
    return kind < 4 ? task?.no : undefined;
  }

  async #exchange(store: StorageAdapter, id: string, owner: Owner, draws: Draws): Promise<void> {
    const task = this.#tasks.get(id);
    const no = this.#no(task, draws);
    const now = this.#now;
    const limit = draws.below(5) === 0 ? null : draws.below(8);
    const settle = this.#settlements(task, owner, draws);
    const claim = limit === null ? null : { limit, leaseUntil: now + LEASE };
    const batch: Exchange = { owner, ...(no !== undefined && { no }), now, settle, claim };
    const isMeant = task !== undefined && (no ?? task.no) === task.no;
    const expected = isMeant ? task.exchange(batch) : gone(settle);
    this.#same(plainResult(expected), plainResult(await store.exchange(id, batch)), 'exchange', id, batch);
  }

  async #insertJobs(store: StorageAdapter, id: string, draws: Draws): Promise<void> {
    const task = this.#tasks.get(id);
    const no = this.#no(task, draws);
    const context = { now: this.#now, last: draws.below(8) === 0, ...(no !== undefined && { no }) };
    const jobs = this.#newJobs(draws);
    this.#says('insertJobs', id, jobs, context);
    const call = store.insertJobs(id, jobs, context);
    const isMeant = task !== undefined && (no ?? task.no) === task.no;
    if (isMeant) this.#world.equal(await call, task.insert(jobs, context), 'insertJobs');
    else await this.#world.rejects('TASK_DELETED', call);
  }

  #newJobs(draws: Draws): NewJob[] {
    return Array.from({ length: draws.below(6) }, () => {
      this.#source += 1 + (draws.below(5) === 0 ? draws.below(3) : 0);
      const seq = draws.below(10) === 0 ? draws.below(this.#source + 1) + 1 : this.#source;
      const id = draws.below(6) === 0 ? `new ${draws.below(this.#source + 1)}` : `new ${this.#source}`;
      const input = draws.below(9) === 0 ? `other ${id}` : id;
      return { seq, hash: hashOf(id), key: draws.below(3) === 0 ? id : null, input };
    });
  }

  #settlements(task: ModelTask | undefined, owner: Owner, draws: Draws): Settlement[] {
    const jobs = task?.jobs ?? [];
    const held = jobs.filter((job) => job.owner === owner && draws.below(2) === 0).map(({ seq }) => seq);
    const stray = draws.below(8) === 0 ? [1 + draws.below(this.#source + 1), this.#source + 50] : [];
    const places = [...held, ...stray].map((seq) => ({ seq, order: draws.below(2 ** 32) }));
    return places.sort((a, b) => a.order - b.order).map(({ seq }) => this.#settlement(seq, draws));
  }

  #settlement(seq: number, draws: Draws): Settlement {
    const now = this.#now;
    const span = { seq, startedAt: now - 5, endedAt: now };
    const kind = draws.below(12);
    if (kind < 5) return { ...span, outcome: 'completed', output: kind === 0 ? null : `out ${seq} ${now}` };
    const attempt = (['spent', 'refused', 'unused'] as const)[kind - 5];
    if (attempt !== undefined) return { ...span, outcome: 'failed', error: `failed ${now}`, attempt };
    const dueAt = now + draws.below(4) * 500;
    if (kind < 10) return { ...span, outcome: 'retry', error: `retry ${now}`, dueAt };
    if (kind < 11) return { ...span, outcome: 'throttled', error: `throttled ${now}`, dueAt };
    return { ...span, outcome: 'interrupted', dueAt };
  }

  /** The rows are those of the model; and, whatever that says: counters equal rows, and what is completed stays so. */
  async #look(id: string): Promise<void> {
    const { equal } = this.#world;
    const store = this.#handles.of('bob');
    const task = this.#tasks.get(id);
    const rows = await allJobs(store, id);
    equal(rows, task?.rows() ?? [], `rows of "${id}"`);
    const record = await store.readTask(id);
    if (record === null) return;
    equal(record.counts, await countedRows(store, id), `counters of "${id}"`);
    for (const row of rows) {
      const key = `${record.no} ${row.seq}`;
      if (this.#completed.has(key))
        equal(row, this.#completed.get(key), `completed job ${row.seq} of "${id}"`);
      if (row.status === 'completed') this.#completed.set(key, row);
    }
  }

  #says(method: string, ...args: readonly unknown[]): void {
    this.calls.push(`${method} ${args.map(textOf).join(' ')}`);
  }

  #same(expected: unknown, actual: unknown, method: string, ...args: readonly unknown[]): void {
    this.#says(method, ...args);
    this.#world.equal(actual, expected, method);
  }
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, part) => (part instanceof Uint8Array ? hex(part).slice(0, 8) : part));
}

function sorted<T extends { id: string }>(rows: readonly T[]): T[] {
  return [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function plainResult(result: ExchangeResult): unknown {
  return { ...result, claimed: result.claimed.map(plain) };
}

/** Leaves out steps, half of them first and single ones last, as long as the rest fails. */
async function shrink(
  steps: readonly Step[],
  fails: (steps: readonly Step[]) => Promise<boolean>,
): Promise<Step[]> {
  const end = systemClock.monotonic() + SHRINK_MS;
  let left = [...steps];
  for (let size = Math.ceil(left.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < left.length && systemClock.monotonic() < end; ) {
      const without = [...left.slice(0, at), ...left.slice(at + size)];
      if (await fails(without)) left = without;
      else at += size;
    }
  }
  return left;
}

/** Random steps, one test for each seed. */
export function sequenceCases({ spec }: Suite, seeds: readonly number[]): void {
  for (const seed of seeds) {
    spec(
      `sequence: ${STEPS} random steps of two owners give what the model gives, seed ${seed}`,
      async (world) => {
        const handles = await Handles.of(world);
        const numbers = new Set<number>();
        let shortest: { error: unknown; calls: readonly string[] } | undefined;
        const fails = async (steps: readonly Step[]): Promise<boolean> => {
          const play = new Play(world, handles, numbers);
          try {
            await play.run(steps);
            return false;
          } catch (error) {
            shortest = { error, calls: play.calls };
            return true;
          }
        };
        const steps = stepsOf(seed);
        if (!(await fails(steps))) return;
        await shrink(steps, fails);
        const { error, calls } = shortest ?? { error: undefined, calls: [] };
        throw new Error(`seed ${seed}: ${String(error)}\nafter the calls\n${calls.join('\n')}`, {
          cause: error,
        });
      },
    );
  }
}
