// A run that waits for its turn: where the store lets one tab at a time run a task, the others stand by and watch.
import type { Timer } from './clock.js';
import type { Ports } from './ports.js';
import type { ExchangeResult, StorageAdapter } from './storage/contract.js';

/** How often a run that stands by asks the store for commands and progress, in ms. */
const POLL_MS = 250;

/** What standing by needs of the run. */
export interface StandbyHost {
  taskId: string;
  store: StorageAdapter;
  owner: string;
  leaseMs: number;
  ports: Ports;
  /** Takes over the jobs of owners that are known to be dead. */
  reclaim(): Promise<unknown>;
}

/** The place of one run in the line for its task. */
export class Standby {
  readonly #host: StandbyHost;
  #isOurs = false;
  #isLeft = false;
  #giveBack: () => void = () => undefined;
  #wakeUp: () => void = () => undefined;

  constructor(host: StandbyHost) {
    this.#host = host;
  }

  /**
   * Waits until no other tab runs the task, or until {@link leave}. The lease that it keeps meanwhile tells a tab that closes
   * that its task goes on here.
   *
   * @param ask - makes an exchange and obeys what it says
   * @returns whether another tab had the turn before
   */
  async wait(ask: (exchange: () => Promise<ExchangeResult>) => Promise<void>): Promise<boolean> {
    const { store, taskId, reclaim } = this.#host;
    if (store.turns === undefined) return false;
    this.#giveBack = store.turns.take(taskId, () => {
      this.#isOurs = true;
      this.#wakeUp();
    });
    await this.#woken();
    const hasWaited = !this.#isOurs;
    // Once more when the turn has come: the last one may have paused the task.
    for (let isLast = !hasWaited; !isLast && !this.#isLeft; ) {
      isLast = this.#isOurs;
      await ask(() => this.#exchange());
      if (!isLast) await this.#woken();
    }
    if (this.#isOurs) await reclaim();
    return hasWaited;
  }

  /** Whether another tab has the turn. */
  get isWaiting(): boolean {
    return this.#host.store.turns !== undefined && !this.#isOurs;
  }

  /** Waits no longer. */
  leave(): void {
    this.#isLeft = true;
    if (!this.#isOurs) this.#giveBack();
    this.#wakeUp();
  }

  /** The run is over: the next one in the line may have the turn. */
  end(): void {
    this.leave();
    this.#giveBack();
  }

  #exchange(): Promise<ExchangeResult> {
    const { store, taskId, owner, leaseMs, ports } = this.#host;
    const now = ports.clock.now();
    const claim = { limit: 0, leaseUntil: now + leaseMs };
    return store.exchange(taskId, { owner, now, settle: [], claim });
  }

  /** Until the turn has come, the line is left, or it is time to ask. */
  async #woken(): Promise<void> {
    if (this.#isOurs || this.#isLeft) return;
    const { clock } = this.#host.ports;
    let timer: Timer;
    await new Promise<void>((resolve) => {
      this.#wakeUp = resolve;
      timer = clock.setTimeout(resolve, POLL_MS);
    });
    clock.clearTimeout(timer);
  }
}
