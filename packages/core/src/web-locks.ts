// What Web Locks tell stores in browsers: whether the tab of an owner is still there, and whose turn it is to run a task.
import type { Liveness, Turns } from './storage/contract.js';

/** The part of `navigator.locks` that is used: the engine is compiled without the types of browsers. */
interface Locks {
  request(name: string, held: () => unknown): Promise<unknown>;
  query(): Promise<{ held?: { name?: string }[] }>;
}
interface Globals {
  navigator?: { locks?: Locks };
  crypto: { getRandomValues(bytes: Uint8Array): Uint8Array };
}
const globals = globalThis as unknown as Globals;

/** Names of locks: the tab of an owner. Without Web Locks it has a name that nobody can look up. */
const LOCKED = 'taskhub-lock:';
const UNKNOWN = 'taskhub-tab:';

let identity: Promise<string> | undefined;

/** Knows at once when a tab is gone, however it went. Without Web Locks (insecure pages) the lease decides. */
export const webLockLiveness: Liveness = {
  identify() {
    identity ??= takeLock();
    return identity;
  },
  async isGone(other) {
    const locks = globals.navigator?.locks;
    if (locks === undefined || !other.startsWith(LOCKED)) return undefined;
    try {
      const { held = [] } = await locks.query();
      return !held.some((lock) => lock.name === other);
    } catch {
      return undefined; // A page that may not ask (an opaque origin) does not know.
    }
  },
};

/**
 * One tab at a time runs a task. Without Web Locks it is everybody's turn: tabs share its jobs then.
 *
 * @param place - where the tasks are: the storage and the name of the database
 */
export function webLockTurns(place: string): Turns {
  return {
    take(taskId, granted) {
      const locks = globals.navigator?.locks;
      if (locks === undefined) {
        granted();
        return () => undefined;
      }
      let giveBack: () => void = () => undefined;
      let isOver = false;
      const over = new Promise<void>((resolve) => {
        giveBack = () => {
          isOver = true;
          resolve();
        };
      });
      locks
        .request(`taskhub-task:${place}:${taskId}`, () => {
          if (!isOver) granted();
          return over;
        })
        .catch(granted); // Refused: an opaque origin.
      return giveBack;
    },
  };
}

/** Takes a lock with a name of its own. The browser releases it when the tab or worker ends. */
function takeLock(): Promise<string> {
  const id = randomId();
  const locks = globals.navigator?.locks;
  if (locks === undefined) return Promise.resolve(UNKNOWN + id);
  return new Promise((resolve) => {
    locks
      .request(LOCKED + id, () => {
        resolve(LOCKED + id);
        return new Promise(() => undefined); // For the life of the tab.
      })
      .catch(() => resolve(UNKNOWN + id)); // Refused: an opaque origin.
  });
}

/** 128 bits of chance. Not `randomUUID`, which insecure pages lack. */
function randomId(): string {
  const bytes = globals.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
