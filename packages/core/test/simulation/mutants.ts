// Faults that are planted in the engine, one at a time: simulations must find every one of them.

/** A change of one place of the source. `find` is there exactly once. */
export interface Patch {
  /** In `src`. */
  file: string;
  find: string;
  replace: string;
}

export interface Mutant {
  name: string;
  patches: readonly Patch[];
}

const one = (name: string, file: string, find: string, replace: string): Mutant => ({
  name,
  patches: [{ file, find, replace }],
});

export const MUTANTS: readonly Mutant[] = [
  one(
    'announce before it is recorded',
    'dispatcher.ts',
    'const ended = this.#hand.take();',
    'const ended = this.#hand.take(); this.#hand.announce(ended, []);',
  ),
  one(
    'forget the fence: one name for all processes',
    'owner.ts',
    `this.id = \`\${identity}/\${nonce(ports)}\`;`,
    "this.id = 'us';",
  ),
  one(
    'charge the attempt twice',
    'storage/memory-task.ts',
    'rows.change(row, ATTEMPTS, 1);',
    'rows.change(row, ATTEMPTS, 2);',
  ),
  one(
    'drop what was to be recorded when the store fails',
    'dispatcher.ts',
    'if (this.#storageError === undefined) this.#hand.putBack(',
    'if (this.#storageError === null) this.#hand.putBack(',
  ),
  one(
    'record again what a lost answer may have recorded',
    'dispatcher.ts',
    'room > 0 ? ended.map(givenBack) : ended',
    'ended',
  ),
  one(
    'run a job again without claiming it',
    'jobs-in-hand.ts',
    'if (lost.includes(claimed.seq)) continue;',
    "if (lost.includes(claimed.seq)) continue;\n      if (settlement.outcome === 'retry') this.start(claimed);",
  ),
  one(
    'start what was claimed when the lease has ended',
    'dispatcher.ts',
    ' && host.ports.clock.now() < this.#leaseUntil',
    '',
  ),
  one(
    'lose what was to be recorded on stop()',
    'dispatcher.ts',
    'this.#hand.interrupt(reason);',
    'this.#hand.interrupt(reason); this.#hand.take();',
  ),
  {
    name: 'never take over what a dead process held',
    patches: [
      {
        file: 'storage/memory-task.ts',
        find: 'if (other !== owner && until <= now)',
        replace: 'if (other !== owner && until < 0)',
      },
      {
        file: 'owner.ts',
        find: 'if (owner.leaseUntil <= this.#ports.clock.now()) return true;',
        replace: '',
      },
    ],
  },
  one('take over what a living process holds', 'owner.ts', 'if (await this.isGone(owner)) {', 'if (true) {'),
  one('count repeats twice', 'ingest.ts', 'this.repeats += 1;', 'this.repeats += 2;'),
  one(
    'give no attempt back to an interrupted job',
    'settle.ts',
    "outcome: 'interrupted', dueAt: endedAt };",
    "outcome: 'retry', error: '{}', dueAt: endedAt };",
  ),
  one(
    'record an answer that comes after the timeout',
    'run-job.ts',
    'if (this.#judged) return;\n    this.#judged = true;',
    "if (this.#judged && outcome.kind !== 'returned') return;\n    this.#judged = true;",
  ),
  {
    name: 'run one handler more than max',
    patches: [
      {
        file: 'dispatcher.ts',
        find: 'const room = this.#isWorking() ? this.#hand.room(now) : 0;',
        replace: 'const room = this.#isWorking() ? this.#hand.room(now) + 1 : 0;',
      },
      {
        file: 'jobs-in-hand.ts',
        find: 'const isAdmitted = this.#isOpen() && this.#limiter.wait(handlers.size, ports.clock.monotonic()) === 0;',
        replace: 'const isAdmitted = this.#isOpen();',
      },
    ],
  },
  one(
    'run a poisoned job once more',
    'jobs-in-hand.ts',
    'claimed.crashes >= config',
    'claimed.crashes > config',
  ),
  one(
    'try a job once too often',
    'judge.ts',
    'spent >= config.retry.maxAttempts',
    'spent > config.retry.maxAttempts',
  ),
  one('count a refusal as an attempt', 'settle.ts', "outcome: 'throttled', error", "outcome: 'retry', error"),
  one(
    'start jobs while the task is paused',
    'dispatcher.ts',
    'return !this.#paused && this.#end === undefined;',
    'return this.#end === undefined;',
  ),
  one(
    'take counts that are out of date',
    'dispatcher.ts',
    'if (this.#isOutdated(result.counts)) this.refresh();\n    else this.#learn(result.counts);',
    'this.#learn(result.counts);',
  ),
  one('take a reading that a run has overtaken', 'task.ts', 'if (known !== this.#revision) continue;', ''),
  one('write to a task that was made again', 'dispatcher.ts', 'no: no(),', ''),
  one(
    'let stop() wait for handlers that ignore it',
    'dispatcher.ts',
    'if (now >= this.#graceUntil) this.#hand.abandon();',
    '',
  ),
  one(
    'keep what is held when a run ends',
    'dispatcher.ts',
    "if (end.kind !== 'deleted')",
    "if (end.kind === 'deleted')",
  ),
  one(
    'mix up the results of two jobs',
    'settle.ts',
    "outcome: 'completed', output: verdict.output",
    "outcome: 'completed', output: seq % 7 === 3 ? null : verdict.output",
  ),
  one(
    'forget to clear the timer of a timeout',
    'run-job.ts',
    'this.#call.clock.clearTimeout(this.#timer);',
    '',
  ),
  one('never tell handlers to stop', 'run-job.ts', 'this.#call.context.abort(reason);', ''),
];
