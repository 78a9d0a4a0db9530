// Who holds jobs: the name of this hub in the store, its leases, and the jobs of owners that died.
import type { Timer } from './clock.js';
import type { Ports } from './ports.js';
import type { OwnerRecord, StorageAdapter } from './storage/contract.js';

/** One hub as an owner of jobs. Two hubs in one process are two owners. */
export class Owner {
  readonly #store: StorageAdapter;
  readonly #ports: Ports;
  readonly #leaseMs: number;
  /** `identity/nonce`: the identity says which process, the nonce which hub in it. */
  readonly id: string;

  private constructor(store: StorageAdapter, ports: Ports, leaseMs: number, identity: string) {
    this.#store = store;
    this.#ports = ports;
    this.#leaseMs = leaseMs;
    this.id = `${identity}/${nonce(ports)}`;
  }

  static async of(store: StorageAdapter, ports: Ports, leaseMs: number): Promise<Owner> {
    return new Owner(store, ports, leaseMs, (await store.liveness?.identify()) ?? 'unknown');
  }

  get leaseUntil(): number {
    return this.#ports.clock.now() + this.#leaseMs;
  }

  /** Keeps the leases of this owner while `work` goes on. */
  async whileLeased<T>(work: Promise<T>): Promise<T> {
    const { clock } = this.#ports;
    let timer: Timer;
    const renew = (): void => {
      timer = clock.setTimeout(() => {
        // A renewal that fails costs at worst the lease; the storage tells its trouble to the work itself.
        this.#store.renewLeases(this.id, this.leaseUntil).catch(() => undefined);
        renew();
      }, this.#leaseMs / 3);
    };
    renew();
    try {
      return await work;
    } finally {
      clock.clearTimeout(timer);
    }
  }

  /** Whether another owner can be taken over: known to be dead, or its lease has passed. */
  async isGone(owner: OwnerRecord): Promise<boolean> {
    if (owner.leaseUntil <= this.#ports.clock.now()) return true;
    const identity = owner.id.slice(0, owner.id.lastIndexOf('/'));
    return (await this.#store.liveness?.isGone(identity)) === true;
  }

  /** Gives back the jobs of dead owners of a task. @returns whether living ones are left */
  async reclaim(taskId: string): Promise<boolean> {
    let isAlive = false;
    for (const owner of await this.#store.listOwners(taskId)) {
      if (owner.id === this.id) continue;
      if (await this.isGone(owner)) {
        await this.#store.releaseJobs(taskId, { owner: owner.id, crashed: true }, this.#ports.clock.now());
      } else isAlive = true;
    }
    return isAlive;
  }
}

/** 80 bits of chance, as text. */
export function nonce({ random }: Pick<Ports, 'random'>): string {
  return Array.from({ length: 4 }, () =>
    Math.floor(random() * 2 ** 20)
      .toString(36)
      .padStart(4, '0'),
  ).join('');
}
