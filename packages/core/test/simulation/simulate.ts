// One life of a task: processes that are born, told what to do, and die; in the end one finishes the work.
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { Chance } from './chance.js';
import { Library } from './library.js';
import { type Plan, planOf } from './plan.js';
import { codeOf, SimProcess, type World } from './sim-process.js';

/** What a simulation came to. */
export interface Outcome {
  seed: number;
  /** Everything that happened, in order: the same for the same seed, byte for byte. */
  log: string[];
  /** What must not have happened. */
  problems: string[];
  deaths: number;
  jobs: number;
}

const COMMANDS = {
  start: 5,
  resume: 2,
  pause: 2,
  stop: 2,
  retryFailed: 1,
  getProgress: 1,
  getResults: 1,
  create: 1,
  close: 0.7,
  destroy: 0.3,
  restart: 1,
  kill: 1,
  block: 1,
  'set the clock': 1,
} as const;
type Command = keyof typeof COMMANDS;

/** Longest that the last process may take with everything in order, virtual ms. */
const PATIENCE = 4 * 3_600_000;
/** Most steps of the virtual clock: a program that goes round and round without time passing. */
const MAX_STEPS = 400_000;

/** Runs one simulation. Resolves whatever happens in it. */
export async function simulate(seed: number, plan: Plan = planOf(seed)): Promise<Outcome> {
  const problems: string[] = [];
  const log: string[] = [];
  const unhandled = (reason: unknown): void => void problems.push(`unhandled rejection: ${codeOf(reason)}`);
  process.on('unhandledRejection', unhandled);
  const simulation = new Simulation(plan, log, problems);
  try {
    await simulation.run();
    for (let turn = 0; turn < 2; turn += 1) await new Promise((go) => setImmediate(go));
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  } finally {
    process.off('unhandledRejection', unhandled);
  }
  return { seed, log, problems, deaths: simulation.deaths, jobs: plan.distinct.length };
}

class Simulation {
  readonly #plan: Plan;
  readonly #clock = new VirtualClock();
  readonly #chance: Chance;
  readonly #library: Library;
  readonly #world: World;
  readonly #problems: string[];
  #born = 0;
  #isCalm = false;
  #alive: SimProcess[] = [];
  readonly #all: SimProcess[] = [];
  /** Commands of living processes that have not ended. */
  readonly #open = new Map<Promise<unknown>, { process: SimProcess; what: string }>();

  constructor(plan: Plan, log: string[], problems: string[]) {
    this.#plan = plan;
    this.#problems = problems;
    this.#chance = new Chance(plan.seed, 2);
    const problem = (text: string): void => {
      log.push(`${this.#clock.monotonic()} !! ${text}`);
      problems.push(text);
    };
    this.#library = new Library(plan, problem);
    this.#world = {
      plan,
      clock: this.#clock,
      library: this.#library,
      log: (who, what) => void log.push(`${this.#clock.monotonic()} ${who} ${what}`),
      problem,
      dead: new Set(),
      isCalm: () => this.#isCalm,
    };
  }

  get deaths(): number {
    return this.#all.filter(({ isDead }) => isDead).length;
  }

  async run(): Promise<void> {
    const { commands } = this.#plan;
    for (let step = 0; step < commands && this.#problems.length === 0; step += 1) {
      await this.#populate();
      const process = this.#chance.pick(this.#alive as [SimProcess, ...SimProcess[]]);
      this.#command(process, this.#chance.weighted(COMMANDS));
      if (this.#chance.is(0.3)) continue; // the next one in the same breath
      await this.#pass(this.#chance.is(0.5) ? this.#chance.below(500) : this.#chance.below(8000));
    }
    if (this.#problems.length === 0) await this.#end();
  }

  /** Lets time pass, step by step. */
  async #pass(ms: number): Promise<void> {
    const end = this.#clock.monotonic() + ms;
    let isOver = false;
    this.#clock.setTimeout(() => {
      isOver = true;
    }, ms);
    await this.#until(() => isOver || this.#problems.length > 0, `until ${end}`);
    this.#alive = this.#alive.filter(({ isDead }) => !isDead);
  }

  async #until(isTrue: () => boolean, what: string): Promise<void> {
    let steps = 0;
    await this.#clock.run(() => {
      steps += 1;
      if (steps > MAX_STEPS) throw new Error(`goes round and round: ${what}`);
      return isTrue();
    });
  }

  async #populate(): Promise<void> {
    while (this.#alive.length < this.#plan.sideBySide) {
      const process = new SimProcess(this.#world, this.#born, this.#plan.deaths[this.#born]);
      this.#born += 1;
      this.#world.log(process.name, 'is born');
      this.#alive.push(process);
      this.#all.push(process);
      this.#give(process, 'create', process.create());
      this.#give(process, 'start', this.#afterCreation(process));
      await this.#pass(this.#chance.below(1000));
    }
  }

  async #afterCreation(process: SimProcess): Promise<void> {
    while (process.task === undefined && !this.#isCalm) {
      await new Promise<void>((resolve) => process.clock.setTimeout(resolve, 1000));
      if (process.task === undefined) await process.create().catch(() => undefined);
    }
    await process.start();
  }

  #give(process: SimProcess, what: string, promise: Promise<unknown> | undefined): void {
    const done = process.command(what, promise).finally(() => this.#open.delete(done));
    this.#open.set(done, { process, what });
  }

  #command(process: SimProcess, command: Command): void {
    const { task } = process;
    const { plan, log } = this.#world;
    const isOff =
      ((command === 'destroy' || command === 'restart') && !plan.destroys) ||
      (command === 'block' && !plan.blocks) ||
      (command === 'set the clock' && !plan.clockJumps);
    if (isOff) return;
    log(process.name, `is told: ${command}`);
    switch (command) {
      case 'kill':
        return process.die('killed');
      case 'block':
        return process.block(this.#chance.below(90_000));
      case 'set the clock':
        process.clock.skew = this.#chance.below(7_200_000) - 3_600_000;
        return;
      case 'create':
        return this.#give(process, command, process.create());
      case 'restart':
        return this.#give(process, command, process.create('restart'));
      case 'close':
        this.#give(process, command, this.#close(process));
        return;
      case 'start':
      case 'resume':
        return this.#give(process, command, process.start());
      case 'stop':
        return this.#give(process, command, this.#stop(process));
      case 'pause':
        return process.pause();
      default:
        return this.#give(process, command, task?.[command]());
    }
  }

  async #stop(process: SimProcess): Promise<void> {
    const began = this.#clock.monotonic();
    const { task, owner } = process;
    await task?.stop();
    if (process.isDead || process.hadFaults || task === undefined) return;
    const took = this.#clock.monotonic() - began;
    // A stop() of a run that is ending already waits for that.
    const { stopGrace } = this.#plan.config;
    if (took > 2 * stopGrace + 1000 && !this.#plan.blocks) this.#world.problem(`stop() took ${took} ms`);
    if (task.status !== 'running') this.#holdsNothing(process, owner, 'stop()');
  }

  async #close(process: SimProcess): Promise<void> {
    await process.hub.close({ grace: this.#chance.is(0.5) ? 0 : this.#chance.below(5000) });
    if (process.isDead) return;
    this.#alive = this.#alive.filter((other) => other !== process);
    if (!process.hadFaults) this.#holdsNothing(process, process.owner, 'close()');
  }

  #holdsNothing(process: SimProcess, owner: string, when: string): void {
    if (this.#plan.destroys) return;
    const book = this.#library.of(process.task?.id ?? '');
    const held = book.heldBy(owner);
    if (book.hasLease(owner)) this.#world.problem(`${process.name} has its lease after ${when}`);
    if (held.length > 0) this.#world.problem(`${process.name} holds ${held.length} jobs after ${when}`);
  }

  /** From here on everything works: what lives is closed or killed, and one process more finishes the task. */
  async #end(): Promise<void> {
    this.#isCalm = true;
    this.#world.log('world', 'is calm');
    for (const process of this.#alive) {
      if (this.#chance.is(0.5)) this.#give(process, 'close', process.hub.close());
      else process.die('killed at the end');
    }
    // A process that is told to stop pauses the task in all others: they must have ended.
    await this.#settled();
    const last = new SimProcess(this.#world, this.#born, undefined);
    this.#all.push(last);
    await this.#within(PATIENCE, last.create(), 'the last create()');
    // The `halt` option may end a run for each job that is poisoned.
    for (let run = 0; run <= this.#plan.distinct.length; run += 1) {
      const summary = await this.#within(PATIENCE, last.start(), 'the last start()');
      if (summary?.halted === undefined) break;
    }
    await this.#check(last);
    await this.#within(PATIENCE, last.hub.close(), 'the last close()');
    for (const { name, isDead, timers } of this.#all)
      if (!isDead && timers > 0) this.#world.problem(`${name} has ${timers} timers left`);
  }

  /** Every promise of a process that lives settles. */
  async #settled(): Promise<void> {
    const left = (): { process: SimProcess; what: string }[] =>
      [...this.#open.values()].filter(({ process }) => !process.isDead);
    let isOver = false;
    const timer = this.#clock.setTimeout(() => {
      isOver = true;
    }, PATIENCE);
    await this.#until(() => isOver || left().length === 0, 'the end of all commands');
    this.#clock.clearTimeout(timer);
    for (const { process, what } of left()) this.#world.problem(`${process.name}: ${what} never settles`);
  }

  async #check(last: SimProcess): Promise<void> {
    const { task } = last;
    if (task === undefined) throw new Error('the last process has no task');
    const record = await this.#library.inner.readTask(task.id);
    const { rows } = await this.#library.inner.readJobs(task.id, { limit: 10_000 });
    const { problem } = this.#world;
    if (record === null) return problem('the task is gone');
    this.#library.of(task.id).sameRows(rows, record.counts);
    const { total, pending, active } = record.counts;
    if (pending + active > 0) problem(`${pending} jobs are pending and ${active} active at the end`);
    if (total !== this.#plan.distinct.length)
      problem(`${total} jobs for ${this.#plan.distinct.length} inputs`);
    if (record.status !== task.status) problem(`the task is ${task.status}, stored as ${record.status}`);
    for (const [index, row] of rows.entries()) {
      const { n } = JSON.parse(row.input) as { n: number };
      if (!this.#plan.destroys && n !== this.#plan.distinct[index])
        problem(`input ${n} is at place ${index}`);
      if (row.status === 'completed' && (JSON.parse(row.output ?? '') as { n: number }).n !== n)
        problem(`input ${n} has the result ${row.output}`);
    }
  }

  async #within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
    let isOver = false;
    let isSettled = false;
    const timer = this.#clock.setTimeout(() => {
      isOver = true;
    }, ms);
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await this.#until(() => isOver || isSettled, what);
    this.#clock.clearTimeout(timer);
    if (!isSettled) throw new Error(`${what} does not settle within ${ms} virtual ms`);
    return promise;
  }
}
