// Databases of tests: a name for each, and the ways around an adapter.
import { deleteDB } from 'idb';

/** The name of a database that nobody has used. */
export function newName(): string {
  return `test-${crypto.randomUUID()}`;
}

/** Deletes a database; fails after 5 s rather than wait for a connection that was left open. */
export async function deleteDatabase(name: string): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stillOpen = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`"${name}" is still open`)), 5_000);
  });
  try {
    await Promise.race([deleteDB(name), stillOpen]);
  } finally {
    clearTimeout(timer);
  }
}
