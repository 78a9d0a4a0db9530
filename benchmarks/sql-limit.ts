// How far are we from the limit of SQLite? Against a bare loop that does what any such engine must: hash each input, put
// it into the file, keep the tree of hashes, claim 50 at a time, call the handler, record the results with the
// counters in one transaction. No retries, events, timeouts, leases, controller, several tasks or processes.
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { CONCURRENCY, inputOf, needsBetterSqlite3, runDurable } from './lib/batch.ts';
import { ask, type Figures, perJob } from './lib/measure.ts';

const SCHEMA = `
  PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
  CREATE TABLE progress (cursor INTEGER NOT NULL, active INTEGER NOT NULL, completed INTEGER NOT NULL);
  INSERT INTO progress VALUES (0, 0, 0);
  CREATE TABLE job (id INTEGER PRIMARY KEY, hash BLOB NOT NULL, input TEXT NOT NULL);
  CREATE TABLE live (id INTEGER PRIMARY KEY, owner INTEGER, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL);
  CREATE TABLE result (id INTEGER PRIMARY KEY, attempts INTEGER NOT NULL, started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL, output TEXT, error TEXT);`;
const BATCH = 1000;
const ROWS = 10;

async function bareLoop(jobs: number, folder: string): Promise<Figures> {
  const { default: Database } = await import('better-sqlite3');
  const db = new Database(join(folder, 'bare.db'));
  db.exec(SCHEMA);
  const data = Array.from({ length: jobs }, (_, at) => inputOf(at));
  const handler = (_input: unknown): undefined => undefined;
  globalThis.gc?.();

  const hashed = (bytes: Uint8Array | string): Uint8Array => hash('sha256', bytes, 'buffer');
  const rows = (row: string, count: number): string => Array.from({ length: count }, () => row).join(', ');
  const insertJobs = db.prepare(`INSERT INTO job VALUES ${rows('(?, ?, ?)', ROWS)}`);
  const insertJob = db.prepare('INSERT INTO job VALUES (?, ?, ?)');
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const read = db.prepare('SELECT id, input FROM job WHERE id > ? ORDER BY id LIMIT ?');
  const hold = db.prepare('INSERT INTO live SELECT id, 1, ?, 1 FROM job WHERE id > ? AND id <= ?');
  const record = db.prepare(`INSERT INTO result VALUES ${rows('(?, ?, ?, ?, ?, ?)', ROWS)}`);
  const recordOne = db.prepare('INSERT INTO result VALUES (?, ?, ?, ?, ?, ?)');
  const release = db.prepare('DELETE FROM live WHERE id > ? AND id <= ?');
  const count = db.prepare('UPDATE progress SET cursor = ?, active = ?, completed = ?');

  function ingest(): void {
    const hashes: Uint8Array[] = [];
    for (let from = 0; from < jobs; from += BATCH) {
      begin.run();
      const values: unknown[] = [];
      for (let at = from; at < Math.min(from + BATCH, jobs); at++) {
        const text = JSON.stringify(data[at]);
        const id = hashed(text);
        hashes.push(id);
        values.push(at + 1, id, text);
        if (values.length === ROWS * 3) insertJobs.run(...values.splice(0));
      }
      while (values.length > 0) insertJob.run(...values.splice(0, 3));
      commit.run();
    }
    root(hashes.map((bytes) => Buffer.from(bytes).toString('hex')).sort(), hashed);
  }

  async function run(): Promise<void> {
    let claimed: { id: number; input: string }[] = [];
    for (let cursor = 0, completed = 0; ; ) {
      const now = Date.now();
      const outputs = claimed.map(({ id, input }) => [id, handler(JSON.parse(input)) ?? null] as const);
      begin.run();
      const values = outputs.flatMap(([id, output]) => [id, 1, now, Date.now(), output, null]);
      while (values.length >= ROWS * 6) record.run(...values.splice(0, ROWS * 6));
      while (values.length > 0) recordOne.run(...values.splice(0, 6));
      if (claimed.length > 0) release.run(cursor - claimed.length, cursor);
      completed += claimed.length;
      claimed = read.all(cursor, CONCURRENCY) as typeof claimed;
      if (claimed.length > 0) hold.run(now, cursor, cursor + claimed.length);
      cursor += claimed.length;
      count.run(cursor, claimed.length, completed);
      commit.run();
      if (claimed.length === 0) return;
      await new Promise(setImmediate);
    }
  }

  const figures = await perJob(jobs, async () => {
    ingest();
    await run();
  });
  db.close();
  return figures;
}

/** The root of RFC 6962 over texts that are in order. */
function root(leaves: readonly string[], hashed: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const peaks: Uint8Array[] = [];
  const join = (left: Uint8Array, right: Uint8Array): Uint8Array =>
    hashed(Buffer.concat([Uint8Array.of(1), left, right]));
  leaves.forEach((leaf, index) => {
    let top = hashed(Buffer.concat([Uint8Array.of(0), Buffer.from(leaf)]));
    for (let size = index; size % 2 === 1; size = (size - 1) / 2) top = join(peaks.pop() as Uint8Array, top);
    peaks.push(top);
  });
  return peaks.reduceRight((right, left) => join(left, right));
}

await ask(import.meta.url, {
  question: 'How far are we from the limit of SQLite?',
  sizes: { jobs: 100_000 },
  quick: { jobs: 1_000 },
  runs: 5,
  cases: {
    taskhub: { missing: needsBetterSqlite3, run: ({ jobs }, folder) => runDurable(jobs, folder) },
    'bare loop': { missing: needsBetterSqlite3, run: ({ jobs }, folder) => bareLoop(jobs, folder) },
  },
  targets: [
    {
      name: 'CPU against the bare loop',
      value: (of) => of('taskhub', 'cpuMicrosPerJob') / of('bare loop', 'cpuMicrosPerJob'),
      atMost: 2,
    },
  ],
});
