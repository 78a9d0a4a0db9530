// Ctrl-C, SIGTERM and SIGHUP: the first one asks to end in good order, the second one to end now.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A repeat within so many ms is the same one, passed on by a package manager as well. */
const SAME_MS = 300;
/** ms that an abort may take before the process ends anyway. */
const ABORT_MS = 2000;

export interface StopSteps {
  /** Ends what runs in good order. */
  gently(): void;
  /** Ends it now. */
  now(): void;
}

/** Listens to signals from its making until `release()`. */
export class Stopper {
  readonly #exit: () => void;
  #steps: StopSteps | undefined;
  #stoppedAt: number | undefined;
  #isAborting = false;

  /** @param exit - ends the process when even an abort takes too long */
  constructor(exit: () => void) {
    this.#exit = exit;
    for (const signal of SIGNALS) process.on(signal, this.#heard);
  }

  /** Whether a signal came. */
  get isStopped(): boolean {
    return this.#stoppedAt !== undefined;
  }

  /** What a signal does from now on; at once, if one came already. */
  steps(steps: StopSteps): void {
    this.#steps = steps;
    if (this.isStopped) steps.gently();
  }

  release(): void {
    for (const signal of SIGNALS) process.off(signal, this.#heard);
  }

  readonly #heard = (): void => {
    const now = performance.now();
    if (this.#stoppedAt === undefined) {
      this.#stoppedAt = now;
      this.#steps?.gently();
      return;
    }
    if (now - this.#stoppedAt < SAME_MS) return;
    if (this.#isAborting) return this.#exit();
    this.#isAborting = true;
    this.#stoppedAt = now;
    setTimeout(this.#exit, ABORT_MS).unref();
    this.#steps?.now();
  };
}
