// The two ways to reach the worker that owns the database: being it, and asking it.
import { systemClock, TaskHubError } from '@taskhub/core';
import type { SqliteStore } from '@taskhub/storage-sqlite';
import { type Method, type Outcome, outcomeOf, pack } from './messages.js';
import { callOn, repeatOn } from './repeated-call.js';

/** A call, and whether an owner that died since may have carried it out. */
export interface Request {
  method: Method;
  args: readonly unknown[];
  /** Present when it is sent again: places of the jobs that the caller knows to hold. */
  repeated?: readonly number[];
}

/** Whoever owns the database. */
export interface Leader {
  /** What the call came to; null when the owner is gone and has not answered. */
  ask(request: Request): Promise<Outcome | null>;
  /** Ends the use of it. */
  end(): Promise<void>;
}

/** A call on its way to the worker that owns the database, and what it came to on its way back. */
export interface Sent extends Request {
  to: string;
  from: string;
  id: number;
}
export interface Answer {
  to: string;
  from: string;
  id: number;
  outcome: Outcome;
}

/** ms that the owner may take to answer a call. */
const ANSWER_PATIENCE = 60_000;

/** This worker owns the database, and serves the calls of other tabs as its own. */
export class OwnStore implements Leader {
  readonly #store: SqliteStore;
  readonly #running = new Set<Promise<unknown>>();

  constructor(store: SqliteStore) {
    this.#store = store;
  }

  ask({ method, args, repeated }: Request): Promise<Outcome> {
    const call =
      repeated === undefined
        ? callOn(this.#store, method, args)
        : repeatOn(this.#store, method, args, repeated);
    const outcome = outcomeOf(call).finally(() => this.#running.delete(outcome));
    this.#running.add(outcome);
    return outcome;
  }

  /** Answers what was asked before, and closes the store. */
  async end(): Promise<void> {
    await Promise.all(this.#running);
    await this.#store.close();
  }
}

/** Another worker owns the database. */
export class RemoteStore implements Leader {
  readonly #waiting = new Map<number, (outcome: Outcome | null) => void>();
  readonly #send: (id: number, request: Request) => void;
  #nextId = 1;
  #isGone = false;

  constructor(send: (id: number, request: Request) => void) {
    this.#send = send;
  }

  ask(request: Request): Promise<Outcome | null> {
    if (this.#isGone) return Promise.resolve(null);
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const timer = systemClock.setTimeout(
        () => this.answer(id, { error: pack(silentError()) }),
        ANSWER_PATIENCE,
      );
      this.#waiting.set(id, (outcome) => {
        systemClock.clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(outcome);
      });
      this.#send(id, request);
    });
  }

  /** What a call came to. */
  answer(id: number, outcome: Outcome | null): void {
    this.#waiting.get(id)?.(outcome);
  }

  /** The owner is gone: calls that wait come to null. */
  async end(): Promise<void> {
    this.#isGone = true;
    for (const id of this.#waiting.keys()) this.answer(id, null);
  }
}

function silentError(): TaskHubError {
  return new TaskHubError(
    'STORAGE_BUSY',
    `The tab that owns the database has not answered for ${ANSWER_PATIENCE / 1000} s. Close the other tabs, then try again.`,
  );
}
