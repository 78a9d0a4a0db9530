// The part of the question of de-duplication that runs in a page.
import { HashIndex } from '@taskhub/core';

const ROWS = 1_000;

/** ms to ingest blocks of jobs, hashes known by a unique index of the store, by a HashIndex, or not at all. */
async function ingest(jobs: number, way: 'none' | 'unique index' | 'HashIndex'): Promise<number> {
  const name = `dedup-${crypto.randomUUID()}`;
  const db = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      const store = request.result.createObjectStore('job');
      if (way === 'unique index') store.createIndex('hash', 'hashes', { unique: true, multiEntry: true });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const known = new HashIndex();
  const started = performance.now();
  for (let from = 0; from < jobs; from += ROWS) {
    const rows = Array.from({ length: ROWS }, (_, at) => {
      const hash = crypto.getRandomValues(new Uint8Array(32));
      return { seq: from + at + 1, hash, key: null, input: `{"n":${from + at},"note":"${'y'.repeat(60)}"}` };
    });
    await new Promise<void>((resolve, reject) => {
      const tx = db.transaction('job', 'readwrite');
      tx.oncomplete = () => resolve();
      tx.onabort = () => reject(tx.error);
      for (let at = 0; at < ROWS; at += 64) {
        const block = rows.slice(at, at + 64);
        if (way === 'unique index') {
          tx.objectStore('job').put({ hashes: block.map((row) => row.hash), rows: block }, from + at);
        } else {
          if (way === 'HashIndex') {
            for (const { hash, seq } of block) if (known.candidates(hash).length === 0) known.add(hash, seq);
          }
          tx.objectStore('job').put(block, from + at);
        }
      }
      tx.commit();
    });
  }
  const ms = performance.now() - started;
  db.close();
  indexedDB.deleteDatabase(name);
  return ms;
}

Object.assign(globalThis, { ingest });
