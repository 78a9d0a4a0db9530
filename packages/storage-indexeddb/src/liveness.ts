// Whether the tab or worker of an owner is still there: each holds a Web Lock as long as it lives.
import type { Liveness } from '@taskhub/core';

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
    const locks = lockManager();
    if (locks === undefined || !other.startsWith(LOCKED)) return undefined;
    try {
      const { held = [] } = await locks.query();
      return !held.some((lock) => lock.name === other);
    } catch {
      return undefined; // A page that may not ask (an opaque origin) does not know.
    }
  },
};

/** Takes a lock with a name of its own. The browser releases it when the tab or worker ends. */
function takeLock(): Promise<string> {
  const id = randomId();
  const locks = lockManager();
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

function lockManager(): LockManager | undefined {
  return (globalThis.navigator as { locks?: LockManager } | undefined)?.locks;
}

/** 128 bits of chance. Not `randomUUID`, which insecure pages lack. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
