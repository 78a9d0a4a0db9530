// One simulated process: a hub over a store that fails, handlers that misbehave, and a death that can come at any call.
import type { Timer } from '../../src/clock.js';
import { Hub } from '../../src/hub.js';
import type { Task } from '../../src/task.js';
import { type Fault, FaultyAdapter } from '../../src/testing/faulty-adapter.js';
import type { VirtualClock } from '../../src/testing/virtual-clock.js';
import type { JobContext, RunSummary, TaskProgress, TaskSourceLike } from '../../src/types.js';
import type { Book, Call } from './book.js';
import { Chance } from './chance.js';
import type { Library } from './library.js';
import type { Fate, Input, Plan } from './plan.js';
import { ProcessClock } from './process-clock.js';

/** A promise of its own each time: one that all wait for would keep every process of the past. */
const never = (): Promise<never> => new Promise(() => undefined);

/** What all processes of a simulation share. */
export interface World {
  plan: Plan;
  clock: VirtualClock;
  library: Library;
  log: (who: string, what: string) => void;
  problem: (text: string) => void;
  /** Names of processes that are known to be dead. */
  dead: Set<string>;
  /** From now on nothing goes wrong any more. */
  isCalm: () => boolean;
}

export class SimProcess {
  readonly name: string;
  readonly #nth: number;
  readonly clock: ProcessClock;
  readonly hub: Hub;
  readonly #world: World;
  readonly #store: FaultyAdapter;
  readonly #chance: Chance;
  /** Of the task as it is now: a handler that ignores its signal may outlive a deleted one. */
  #running = new Map<number, Call>();
  #owner = '';
  #death: { call: number; applied: boolean } | undefined;
  #storeCalls = 0;
  readonly #calls: Call[] = [];
  #outageUntil = 0;
  #sleeping = 0;
  #announced = { settled: 0, before: 0 };
  #completed = 0;
  #last: RunSummary | undefined;
  isDead = false;
  /** A store call of this process went wrong. */
  hadFaults = false;
  #isPaused = false;
  #storeFaults = 0;
  task: Task<Input, unknown> | undefined;

  constructor(world: World, nth: number, death: { call: number; applied: boolean } | undefined) {
    this.#world = world;
    this.name = `p${nth}`;
    this.#nth = nth;
    this.clock = new ProcessClock(world.clock);
    this.#death = death;
    this.#chance = new Chance(world.plan.seed, 100 + nth);
    const store = world.library.reader(this.name);
    const liveness = {
      identify: () => this.name,
      isGone: (identity: string) => (world.dead.has(identity) ? true : undefined),
    };
    this.#store = new FaultyAdapter(Object.assign(store, { liveness }), (call) => this.#fault(call));
    const ports = { clock: this.clock, random: new Chance(world.plan.seed, 1000 + nth).random };
    this.hub = new Hub(this.#store, { leaseMs: world.plan.leaseMs, ports });
  }

  /** The name of this process in the store, once it has claimed something. */
  get owner(): string {
    return this.#owner;
  }

  /** Timers that the engine has set; those of faults, handlers and sources left out. */
  get timers(): number {
    return this.clock.pending - this.#sleeping;
  }

  async create(ifExists?: 'restart'): Promise<Task<Input, unknown>> {
    const { config } = this.#world.plan;
    const task = await this.hub.createTask({
      name: 'task',
      source: this.source(),
      ...config,
      ...(ifExists && { ifExists }),
    });
    if (this.task !== task) {
      this.#running = new Map();
      this.#listen(task);
    }
    this.task = task;
    return task;
  }

  source(): TaskSourceLike<Input, unknown> {
    const { plan } = this.#world;
    return {
      type: plan.type,
      id: 'stream',
      getData: () => (plan.type === 'dynamic' ? this.#stream() : this.#list()),
      handler: (input, ctx) => this.#handle(input, ctx),
    };
  }

  /** As the plan has them; of a task that may be made again, each process has another order. */
  get #inputs(): readonly Input[] {
    const { destroys, inputs } = this.#world.plan;
    const first = destroys ? this.#nth % inputs.length : 0;
    return [...inputs.slice(first), ...inputs.slice(0, first)];
  }

  #list(): Iterable<Input> {
    const { plan, isCalm } = this.#world;
    if (plan.sourceBreaks && !isCalm() && this.#chance.is(0.5)) throw new Error('the source broke');
    return this.#inputs;
  }

  async *#stream(): AsyncGenerator<Input> {
    const { plan, isCalm } = this.#world;
    for (const input of this.#inputs) {
      if (!isCalm() && this.#chance.is(0.2)) await this.#sleep(this.#chance.below(3000));
      if (plan.sourceBreaks && !isCalm() && this.#chance.is(0.05)) throw new Error('the source broke');
      yield input;
    }
  }

  /** Starts the task. Resolves when the promise of start() has settled, and checks what it said. */
  async start(): Promise<RunSummary | undefined> {
    const { task } = this;
    if (task === undefined) return undefined;
    this.#isPaused = false;
    try {
      const summary = await task.start();
      if (summary === this.#last) return summary; // it joined another start()
      this.#last = summary;
      this.#says(`start() gave ${summary.status} ${summary.completed}+${summary.failed}/${summary.total}`);
      this.#checkSummary(summary);
      this.#announced.before = this.#announced.settled;
      return summary;
    } catch (error) {
      this.#says(`start() rejected: ${codeOf(error)}`);
      return undefined;
    }
  }

  /** Pauses the task: none of its handlers is called until it is started again. */
  pause(): void {
    this.task?.pause();
    this.#isPaused = this.task?.status === 'paused';
  }

  /** The process is gone, at this very moment. */
  die(why: string): void {
    if (this.isDead) return;
    const { plan, dead } = this.#world;
    this.#says(`dies: ${why}`);
    this.isDead = true;
    this.#death = undefined;
    this.clock.die();
    this.#running.clear();
    if (this.#chance.is(plan.known)) dead.add(this.name);
  }

  /** Its event loop hears of nothing for `ms`. */
  block(ms: number): void {
    this.#says(`is blocked for ${ms} ms`);
    this.clock.block(ms);
  }

  /** A command was carried out, or failed. */
  async command(what: string, promise: Promise<unknown> | undefined): Promise<void> {
    try {
      await promise;
      if (!this.isDead) this.#says(`${what} is done`);
      this.#checkCompleted();
    } catch (error) {
      if (!this.isDead) this.#says(`${what} rejected: ${codeOf(error)}`);
    }
  }

  async #sleep(ms: number): Promise<void> {
    this.#sleeping += 1;
    await new Promise<void>((resolve) => this.clock.setTimeout(resolve, ms));
    this.#sleeping -= 1;
  }

  #says(what: string): void {
    this.#world.log(this.name, what);
  }

  // --- the store ------------------------------------------------------------------------------------------------

  #fault({ method, args }: { method: string; args: readonly unknown[] }): Fault | undefined {
    const { plan, isCalm, clock } = this.#world;
    if (this.isDead) return { until: never() };
    this.#storeCalls += 1;
    if (method === 'exchange') this.#owner = (args[1] as { owner: string }).owner;
    const answer = this.clock.hears();
    if (this.#death !== undefined && this.#storeCalls >= this.#death.call && !isCalm()) {
      const { applied } = this.#death;
      this.die(`at call ${this.#storeCalls}, ${method}, ${applied ? 'done' : 'not done'}`);
      return applied ? { answer: never() } : { until: never() };
    }
    if (isCalm() || method === 'open' || method === 'close') return { answer };
    if (method === 'exchange' && this.#chance.is(plan.late)) {
      this.hadFaults = true;
      this.#says('exchange answers late');
      return { answer: this.#sleep(this.#chance.below(4000)).then(() => answer) };
    }
    if ((method === 'resetFailed' || method === 'transitionTask') && this.#chance.is(plan.late)) {
      this.hadFaults = true;
      this.#says(`${method} begins late`);
      return { until: this.#sleep(this.#chance.below(4000)), answer };
    }
    const isOut = clock.monotonic() < this.#outageUntil;
    if (!isOut && !this.#chance.is(plan.faults)) return { answer };
    this.hadFaults = true;
    // A storage that failed forgives attempts: whether they were recorded is not known.
    this.#storeFaults += 1;
    if (method === 'exchange') for (const call of this.#calls) call.isExcused = true;
    const kind = isOut
      ? 'fails'
      : this.#chance.weighted({
          fails: 4,
          'loses its answer': 3,
          'is slow': 2,
          'answers slowly': 4,
          outage: 1,
        });
    this.#says(`${method} ${kind}`);
    const wait = (): Promise<void> => {
      const ms = plan.hangs && this.#chance.is(0.3) ? 90_000 : 5000;
      return this.#sleep(this.#chance.below(ms));
    };
    switch (kind) {
      case 'fails':
        return { error: new Error('disk I/O error'), answer };
      case 'loses its answer':
        return { error: new Error('disk I/O error'), applied: true, answer };
      case 'is slow':
        return { until: wait(), answer };
      case 'answers slowly':
        return { answer: wait().then(() => answer) };
      default:
        this.#outageUntil = clock.monotonic() + this.#chance.below(20_000);
        return { error: new Error('disk I/O error'), answer };
    }
  }

  // --- the handler ----------------------------------------------------------------------------------------------

  async #handle({ n }: Input, ctx: JobContext): Promise<unknown> {
    const { plan, library, problem, isCalm } = this.#world;
    if (this.isDead) return never();
    const book = library.of(this.task?.id ?? '');
    if (this.#running.has(n)) problem(`${this.name} runs input ${n} twice at once`);
    book.started(book.byInput.get(n), this.#owner, ctx.attempt, this.clock.now());
    if (this.#isPaused && plan.sideBySide === 1) problem(`input ${n} starts while the task is paused`);
    this.#checkLast(n);
    const call: Call = {
      n,
      process: this.name,
      startedAt: this.clock.monotonic(),
      isTold: false,
      isExcused: false,
      failures: this.#storeFaults,
      recorded: 0,
    };
    ctx.signal.addEventListener('abort', () => {
      call.isTold = true;
    });
    library.called(call);
    this.#calls.push(call);
    const running = this.#running;
    running.set(n, call);
    const { max } = plan.config.concurrency;
    if (running.size > max) problem(`${running.size} handlers run in ${this.name}, max is ${max}`);
    const fate = isCalm() ? 'takes time' : this.#chance.weighted(plan.fates);
    this.#says(`runs ${n}, attempt ${ctx.attempt}: ${fate}`);
    if (plan.poison.has(n) && !isCalm() && this.#chance.is(0.8)) {
      this.die(`killed by input ${n}`);
      return never();
    }
    try {
      const output = await this.#meet(fate, n, ctx);
      call.end = { at: this.clock.monotonic(), kind: 'returned', output: JSON.stringify(output) };
      if (fate === 'gives what JSON cannot hold') call.end.kind = 'fails';
      return output;
    } catch (error) {
      const kind = (error as { kind?: 'breaks' | 'is refused' } | null)?.kind ?? 'fails';
      call.end = { at: this.clock.monotonic(), kind };
      throw error;
    } finally {
      running.delete(n);
    }
  }

  /** What a handler returned is recorded, unless the storage failed twice, the lease was lost, or the task deleted. */
  #checkLast(n: number): void {
    const { plan, problem } = this.#world;
    const last = this.#calls.findLast((call) => call.n === n);
    if (last?.end?.kind !== 'returned' || last.recorded > 0 || plan.hangs || plan.blocks || plan.destroys)
      return;
    const isLate = last.end.at >= last.startedAt + plan.config.timeout;
    const failures = this.#storeFaults - last.failures;
    if (!isLate && failures < 2 && plan.sideBySide === 1 && !plan.clockJumps)
      problem(`input ${n} runs again, and what it returned was not recorded`);
  }

  async #meet(fate: Fate, n: number, ctx: JobContext): Promise<unknown> {
    const { clock } = this;
    const chance = this.#chance;
    const output = { n, by: `${this.name} ${ctx.attempt} ${chance.below(1e9)}` };
    const told = new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve()));
    switch (fate) {
      case 'returns':
        return output;
      case 'takes time': {
        let timer: Timer;
        const done = new Promise<true>((resolve) => {
          timer = clock.setTimeout(() => resolve(true), chance.below(900));
        });
        const isDone = await Promise.race([done, told]);
        clock.clearTimeout(timer);
        if (isDone !== true) throw Object.assign(ctx.signal.reason as Error, { kind: 'breaks' });
        return output;
      }
      case 'breaks':
        await this.#sleep(chance.below(200));
        throw Object.assign(new Error('broken pipe'), { code: 'EPIPE', kind: 'breaks' });
      case 'is refused': {
        await this.#sleep(chance.below(50));
        const hint = chance.is(0.3) ? { retryAfterMs: chance.below(3000) } : {};
        throw Object.assign(new Error('slow down'), { status: 429, kind: 'is refused', ...hint });
      }
      case 'fails':
        throw new Error('no such record');
      case 'hangs until told':
        await told;
        throw Object.assign(ctx.signal.reason as Error, { kind: 'breaks' });
      case 'ignores its signal':
        await this.#sleep(chance.below(20_000));
        return output;
      case 'answers when told':
        await told;
        return output;
      case 'answers late':
        await this.#sleep(this.#world.plan.config.timeout + 1 + chance.below(5000));
        if (chance.is(0.5)) throw Object.assign(new Error('broken pipe'), { code: 'EPIPE', kind: 'breaks' });
        return output;
      case 'gives what JSON cannot hold':
        return { n: 1n };
      default:
        throw chance.pick([undefined, null, 'no', 42, {}]);
    }
  }

  // --- what is told ---------------------------------------------------------------------------------------------

  #listen(task: Task<Input, unknown>): void {
    const { library, problem } = this.#world;
    const seen = new Set<string>();
    task.on('job:complete', ({ input, output }) => {
      if (this.isDead) return;
      this.#says(`announces ${input.n} completed`);
      const entry = this.#entryOf(library.of(task.id), input);
      // What was recorded before the task was made again may be announced after it.
      if (
        !this.#world.plan.destroys &&
        (entry?.status !== 'completed' || entry.output !== JSON.stringify(output))
      )
        problem(`input ${input.n} is announced completed and is ${entry?.status} ${entry?.output}`);
      if ((output as Input).n !== input.n) problem(`input ${input.n} has the result of another`);
      const key = JSON.stringify(output);
      if (seen.has(key)) problem(`input ${input.n} is announced completed twice`);
      seen.add(key);
      this.#announced.settled += 1;
    });
    task.on('job:failed', ({ input }, { message }) => {
      if (this.isDead) return;
      this.#says(`announces ${input.n} failed: ${message.slice(0, 40)}`);
      const entry = this.#entryOf(library.of(task.id), input);
      if (!this.#world.plan.destroys && entry?.failures === 0)
        problem(`input ${input.n} is announced failed and is ${entry.status}`);
      if (!message.startsWith('The process died')) this.#announced.settled += 1;
      // It may be the last job of the run, which then is about to end.
      if (!this.#world.isCalm() && this.#chance.is(0.2)) void this.command('retryFailed', task.retryFailed());
    });
    task.on('progress', (progress) => {
      if (!this.isDead) this.#checkProgress(library.of(task.id), progress);
    });
    task.on('error', (error) => {
      if (!this.isDead) this.#says(`error: ${codeOf(error)}`);
    });
  }

  /** What the task says without being asked does not turn back. */
  #checkCompleted(): void {
    const { problem, plan } = this.#world;
    const completed = this.task?.completedJobs ?? 0;
    if (completed < this.#completed && !plan.destroys && !this.isDead)
      problem(`completedJobs goes back to ${completed}`);
  }

  #entryOf(book: Book, { n }: Input): ReturnType<Book['byInput']['get']> {
    return book.byInput.get(n);
  }

  #checkProgress(book: Book, { total, completed, failed, pending, active, concurrency }: TaskProgress): void {
    const { problem, plan } = this.#world;
    if (completed + failed + pending + active !== total) problem('progress does not add up');
    if (completed > book.counts.completed && !plan.destroys)
      problem(`progress says ${completed} of ${book.counts.completed}`);
    if (completed < this.#completed && !plan.destroys) problem(`progress goes back to ${completed}`);
    if (concurrency > plan.config.concurrency.max) problem(`progress says concurrency ${concurrency}`);
    this.#completed = completed;
  }

  #checkSummary({ status, total, completed, failed, ran, duplicates, halted }: RunSummary): void {
    const { problem, plan, library } = this.#world;
    if (plan.destroys || this.isDead) return;
    const { counts } = library.of(this.task?.id ?? '');
    const settled = completed + failed;
    if (completed > counts.completed) problem(`summary says ${completed} completed, not ${counts.completed}`);
    if (plan.type === 'deterministic' && total !== plan.distinct.length)
      problem(`summary says total ${total}`);
    const isEmpty = completed === 0 && total > 0;
    if (status === 'completed' && (isEmpty || settled !== total))
      problem(`summary says completed with ${completed}+${failed} of ${total}`);
    if (
      status === 'failed' &&
      halted === undefined &&
      plan.sideBySide === 1 &&
      (settled !== total || completed > 0)
    )
      problem(`summary says failed with ${completed}+${failed} of ${total}`);
    if (ran > this.#announced.settled - this.#announced.before) problem(`summary says ran ${ran}`);
    const repeats = plan.inputs.length - plan.distinct.length;
    const { sideBySide, faults, deaths } = plan;
    const isUndisturbed =
      sideBySide === 1 && faults + plan.late === 0 && deaths.length === 0 && plan.poison.size === 0;
    if (status === 'completed' && isUndisturbed && duplicates !== repeats)
      problem(`summary says ${duplicates} duplicates, not ${repeats}`);
  }
}

/** The code of an error of ours, or its message. */
export function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return String(code ?? message);
}
