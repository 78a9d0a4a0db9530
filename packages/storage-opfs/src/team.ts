// The tabs of one database: which worker owns it, and what the others do meanwhile.
//
// The modes of a worker, and what is true in each:
//   looking    nobody is known to own the database; calls wait. Left when an owner is heard of, or this one becomes it
//   following  another worker owns it and gets our calls. Left when that one is gone: then looking again
//   leading    this worker owns it: it holds the lock of the database, and serves the calls of all tabs. Left by close
//   ended      closed, or a newer TaskHub is at work; calls reject
// Every worker waits in line for the lock of the database, which the browser gives to the next one when a tab ends,
// however it ended. The owner also holds a lock that nobody else waits for but its followers: that is how they hear of
// its end. No clock takes part in any of it.
import { isTaskHubError, systemClock, TaskHubError } from '@taskhub/core';
import { SCHEMA_VERSION, type SqliteStore } from '@taskhub/storage-sqlite';
import { HeldJobs } from './held-jobs.js';
import { type Answer, type Leader, OwnStore, RemoteStore, type Sent } from './leader.js';
import { type Method, openOutcome } from './messages.js';

/** Raise it with every change to the messages between tabs, or to the contract that they carry. */
const MESSAGES_VERSION = 2;

/** Both only grow, so their sum tells which of two releases is the newer one. */
export const VERSION: number = SCHEMA_VERSION + MESSAGES_VERSION;

/** ms that a call waits for somebody to own the database. */
const LEADER_PATIENCE = 10_000;

/** `owner: null` asks who owns the database, else it is said. */
interface Word {
  version: number;
  owner: string | null;
}

// All of it goes over one channel. On one of its own, a message could be sent before the other side has joined it:
// browsers keep the order of what happens on a channel, not between two.
type Message = Word | Sent | Answer;

/** One worker among those of a database. */
export class Team {
  readonly #database: string;
  readonly #openStore: (isAlone: boolean) => Promise<SqliteStore>;
  readonly #base: string;
  readonly #id: string = crypto.randomUUID();
  readonly #held = new HeldJobs();
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;
  #channel: BroadcastChannel | undefined;
  #leader: Leader | undefined;
  #leaderId: string | undefined;
  /** Why calls reject: for good, or as long as nobody owns the database. */
  #end: TaskHubError | undefined;
  #failure: TaskHubError | undefined;
  #waiting: (() => void)[] = [];
  #campaign: Promise<void> | undefined;
  /** Whether the campaign has come so far that the database is opened here, or is open. */
  #isLeading = false;

  /** @param openStore - opens the database in this worker; told whether no other tab can be at work on it */
  constructor(database: string, openStore: (isAlone: boolean) => Promise<SqliteStore>) {
    this.#database = database;
    this.#openStore = openStore;
    this.#base = `taskhub-opfs:${database}`;
    this.#ended = new Promise((resolve) => {
      this.#abort.signal.addEventListener('abort', () => resolve());
    });
  }

  /**
   * Resolves when the database is open, here or in another tab.
   *
   * @throws TaskHubError when it cannot be opened; SCHEMA_TOO_NEW when a newer TaskHub is at work on it
   */
  async open(): Promise<void> {
    if (this.#channel === undefined && hasLocks()) {
      this.#channel = new BroadcastChannel(this.#base);
      this.#channel.onmessage = ({ data }: MessageEvent<Message>) => this.#hear(data);
    }
    await this.#whoLeads();
  }

  /** Makes a call, wherever the database is open. @throws TaskHubError */
  async call(method: Method, args: readonly unknown[]): Promise<unknown> {
    const held = this.#held.before(method, args);
    for (let isFirst = true; ; isFirst = false) {
      const leader = await this.#whoLeads();
      const outcome = await leader.ask(isFirst ? { method, args } : { method, args, repeated: held });
      if (outcome === null) continue; // That one is gone.
      const value = openOutcome(outcome);
      this.#held.after(method, args, value);
      return value;
    }
  }

  /** Leaves the team; an owner answers what it was asked, closes the database and lets the next one have it. */
  close(): Promise<void> {
    const says = `The database "${this.#database}" was closed. Create a new hub.`;
    return this.#leave(new TaskHubError('HUB_CLOSED', says, { details: { database: this.#database } }));
  }

  // --- who owns it ----------------------------------------------------------------------------------------------

  async #whoLeads(): Promise<Leader> {
    const until = systemClock.monotonic() + LEADER_PATIENCE;
    this.#failure = undefined;
    for (;;) {
      if (this.#end !== undefined) throw this.#end;
      if (this.#leader !== undefined) return this.#leader;
      if (this.#failure !== undefined) throw this.#failure;
      this.#campaign ??= this.#stand();
      this.#say(null);
      const left = until - systemClock.monotonic();
      if (left <= 0) throw this.#busyError();
      await this.#change(left);
    }
  }

  /** The next change of mode, or the end of `ms`. */
  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = systemClock.setTimeout(resolve, ms);
      this.#waiting.push(() => {
        systemClock.clearTimeout(timer);
        resolve();
      });
    });
  }

  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message);
  }

  #say(owner: string | null): void {
    this.#post({ version: VERSION, owner });
  }

  #hear(message: Message): void {
    if ('version' in message) this.#hearWord(message);
    else if (message.to !== this.#id) return;
    else if ('method' in message) void this.#serve(message);
    else if (message.from === this.#leaderId && this.#leader instanceof RemoteStore) {
      this.#leader.answer(message.id, message.outcome);
    }
  }

  #hearWord({ version, owner }: Word): void {
    if (version > VERSION) void this.#leave(this.#outdatedError(version));
    else if (owner === null && this.#leaderId === this.#id) this.#say(this.#id);
    // An owner of an older version has heard of ours, and leaves.
    else if (owner !== null && version === VERSION && this.#leader === undefined) this.#follow(owner);
  }

  /** Answers a call of another tab. One that comes when we own the database no longer is made again by its sender. */
  async #serve({ from, id, to, ...request }: Sent): Promise<void> {
    if (!(this.#leader instanceof OwnStore)) return;
    const outcome = await this.#leader.ask(request);
    this.#post({ to: from, from: to, id, outcome });
  }

  #follow(owner: string): void {
    const leader = new RemoteStore((id, request) =>
      this.#post({ to: owner, from: this.#id, id, ...request }),
    );
    this.#leader = leader;
    this.#leaderId = owner;
    this.#changed();
    const gone = (): void => {
      void leader.end();
      if (this.#leader === leader) this.#leader = undefined;
      this.#changed();
    };
    // Granted when it is gone.
    navigator.locks
      .request(`${this.#base}:${owner}`, { mode: 'shared', signal: this.#abort.signal }, gone)
      .catch(gone); // This team was left.
  }

  // --- owning it ------------------------------------------------------------------------------------------------

  /** Stands in line for the database, and owns it until this team is left. Never rejects. */
  async #stand(): Promise<void> {
    try {
      if (!hasLocks()) await this.#lead();
      else {
        await navigator.locks.request(this.#base, { signal: this.#abort.signal }, () =>
          navigator.locks.request(`${this.#base}:${this.#id}`, () => this.#lead()),
        );
      }
    } catch (error) {
      // One that could not open it leaves the line, so that another may try, and stands again at its next call.
      if (isTaskHubError(error)) this.#failure = error;
    } finally {
      this.#campaign = undefined;
      this.#isLeading = false;
      this.#changed();
    }
  }

  async #lead(): Promise<void> {
    if (this.#end !== undefined) return; // It was left while it stood in line.
    this.#isLeading = true;
    const leader = new OwnStore(await this.#openStore(hasLocks()));
    await this.#leader?.end();
    this.#leader = leader;
    this.#leaderId = this.#id;
    this.#changed();
    this.#say(this.#id);
    await this.#ended;
    this.#leader = undefined;
    await leader.end();
  }

  async #leave(reason: TaskHubError): Promise<void> {
    this.#end ??= reason;
    this.#abort.abort();
    this.#changed();
    // Who only stands in line is not waited for: Chromium 156 now and then leaves it there in spite of the signal.
    if (this.#isLeading) await this.#campaign;
    this.#channel?.close();
  }

  #outdatedError(version: number): TaskHubError {
    return new TaskHubError(
      'SCHEMA_TOO_NEW',
      `Another tab has opened the database "${this.#database}" with a newer TaskHub. What was recorded is kept; ` +
        'reload the page.',
      { details: { database: this.#database, version, supported: VERSION } },
    );
  }

  #busyError(): TaskHubError {
    return new TaskHubError(
      'STORAGE_BUSY',
      `Another tab holds the database "${this.#database}" and has not answered for ${LEADER_PATIENCE / 1000} s. ` +
        'Close the other tabs, then try again.',
      { details: { database: this.#database } },
    );
  }
}

/** Not in every browser, and not in pages without https. */
function hasLocks(): boolean {
  return (navigator as { locks?: LockManager }).locks !== undefined;
}
