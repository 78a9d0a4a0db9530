// The two ways to reach the worker that owns the database: being it, and asking it.
import { systemClock, TaskHubError } from '@taskhub/core';
import type { SqliteStore } from '@taskhub/storage-sqlite';
import { type Method, type Outcome, outcomeOf } from './messages.js';
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

interface Sent extends Request {
  id: number;
  from: string;
}

interface Answer {
  id: number;
  outcome: Outcome;
}

/** ms that the owner may take to answer a call. */
const ANSWER_PATIENCE = 60_000;

/** This worker owns the database, and serves the calls of other tabs as its own. */
export class OwnStore implements Leader {
  readonly #store: SqliteStore;
  readonly #requests: BroadcastChannel | undefined;
  readonly #running = new Set<Promise<unknown>>();

  /** @param channel - where other tabs send their calls; undefined = they cannot */
  constructor(store: SqliteStore, channel: string | undefined) {
    this.#store = store;
    if (channel === undefined) return;
    this.#requests = new BroadcastChannel(channel);
    this.#requests.onmessage = ({ data }: MessageEvent<Sent>) => {
      const { id, from, ...request } = data;
      void this.ask(request).then((outcome) => {
        const answers = new BroadcastChannel(from);
        answers.postMessage({ id, outcome } satisfies Answer);
        answers.close();
      });
    };
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
    if (this.#requests !== undefined) this.#requests.onmessage = null;
    await Promise.all(this.#running);
    await this.#store.close();
    this.#requests?.close();
  }
}

/** Another worker owns the database. */
export class RemoteStore implements Leader {
  readonly #requests: BroadcastChannel;
  readonly #answers: BroadcastChannel;
  readonly #waiting = new Map<number, (outcome: Outcome | null) => void>();
  readonly #name: string;
  #nextId = 1;
  #isGone = false;

  /** @param channel - on which its owner listens; @param name - of a channel for the answers */
  constructor(channel: string, name: string) {
    this.#name = name;
    this.#requests = new BroadcastChannel(channel);
    this.#answers = new BroadcastChannel(name);
    this.#answers.onmessage = ({ data: { id, outcome } }: MessageEvent<Answer>) => {
      this.#waiting.get(id)?.(outcome);
    };
  }

  ask(request: Request): Promise<Outcome | null> {
    if (this.#isGone) return Promise.resolve(null);
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const timer = systemClock.setTimeout(
        () => this.#waiting.get(id)?.({ error: { ...silentError(), cause: null } }),
        ANSWER_PATIENCE,
      );
      this.#waiting.set(id, (outcome) => {
        systemClock.clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(outcome);
      });
      this.#requests.postMessage({ id, from: this.#name, ...request } satisfies Sent);
    });
  }

  /** The owner is gone: calls that wait come to null. */
  async end(): Promise<void> {
    this.#isGone = true;
    for (const settle of this.#waiting.values()) settle(null);
    this.#requests.close();
    this.#answers.close();
  }
}

function silentError(): TaskHubError {
  return new TaskHubError(
    'STORAGE_BUSY',
    `The tab that owns the database has not answered for ${ANSWER_PATIENCE / 1000} s. Close the other tabs, then try again.`,
  );
}
