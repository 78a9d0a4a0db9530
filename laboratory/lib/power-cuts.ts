// Power cuts: what a worker asked the system to write is recorded with strace, and the file is built as it may lie on the
// disk when the power fails: all that was flushed, and of what came later only some.
// What is assumed: a file that was made or removed stays so, and a write does not damage bytes beside it.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Order } from './order.ts';
import { completedIn, countersAreRight } from './read-task.ts';
import { commandOf, Place, readFile } from './workers.ts';

export interface PowerReport {
  store: Order['store'];
  durability: Order['durability'];
  cuts: number;
  /** Completions announced before the cuts, over all of them. */
  announced: number;
  /** Of these, how many were gone: the last ones before each cut. */
  gone: number;
  /** Cuts after which one was gone that was not among the last. */
  outOfOrder: number;
  /** Cuts after which the file could not be opened and read, or had wrong counters, or SQLite's own check found something. */
  corrupt: number;
  /** What was said of them. */
  damage: string[];
}

type Event =
  | { kind: 'write'; file: string; at: number; data: Buffer }
  | { kind: 'truncate'; file: string; size: number }
  | { kind: 'sync'; file: string }
  | { kind: 'unlink'; file: string }
  | { kind: 'ack'; n: number };

/** Share of the cuts in the creation of the database, which takes no hundredth of the run. */
const IN_CREATION = 0.2;

/** Records one run and cuts the power `cuts` times in it. */
export async function cutPower(
  store: 'node' | 'bun',
  durability: Order['durability'],
  cuts: number,
  chance: () => number,
): Promise<PowerReport> {
  const place = new Place();
  const sums = { announced: 0, gone: 0, outOfOrder: 0, corrupt: 0 };
  const damage: string[] = [];
  try {
    const events = await record(place, store, durability);
    // With its first journal gone the schema is there.
    const created = events.findIndex(({ kind }) => kind === 'unlink') + 1;
    if (created === 0) throw new Error('strace has seen no write to the database');
    for (let cut = 0; cut < cuts; cut += 1) {
      const [from, to] = chance() < IN_CREATION ? [0, created] : [created, events.length];
      const before = events.slice(0, from + Math.floor(chance() * (to - from)));
      const announced = before.flatMap((event) => (event.kind === 'ack' ? [event.n] : []));
      sums.announced += announced.length;
      try {
        const found = await afterCut(before, chance);
        const isThere = announced.map((n) => found.has(n));
        sums.gone += isThere.filter((there) => !there).length;
        const firstGone = isThere.indexOf(false);
        if (firstGone >= 0 && isThere.includes(true, firstGone)) sums.outOfOrder += 1;
      } catch (error) {
        sums.corrupt += 1;
        damage.push(String(error));
      }
    }
    return { store, durability, cuts, ...sums, damage };
  } finally {
    place.remove();
  }
}

/**
 * @returns the inputs with a result
 * @throws Error when the file is not whole
 */
async function afterCut(events: readonly Event[], chance: () => number): Promise<Set<number>> {
  const place = new Place();
  try {
    for (const [file, bytes] of onDisk(events, chance)) writeFileSync(join(place.folder, file), bytes);
    const found = await readFile(place.path);
    if (found !== undefined && !countersAreRight(found)) throw new Error('counters and rows differ');
    return completedIn(found?.rows ?? []);
  } finally {
    place.remove();
  }
}

/** The files as the disk may hold them. */
function onDisk(events: readonly Event[], chance: () => number): Map<string, Buffer> {
  const lastSync = new Map<string, number>();
  for (const [at, event] of events.entries()) if (event.kind === 'sync') lastSync.set(event.file, at);
  const files = new Map<string, Buffer>();
  for (const [at, event] of events.entries()) {
    if (event.kind === 'ack' || event.kind === 'sync') continue;
    if (event.kind === 'unlink') {
      files.delete(event.file);
      continue;
    }
    const isFlushed = at < (lastSync.get(event.file) ?? -1);
    if (!isFlushed && chance() < 0.5) continue;
    const before = files.get(event.file) ?? Buffer.alloc(0);
    if (event.kind === 'truncate') {
      files.set(event.file, Buffer.concat([before, Buffer.alloc(event.size)]).subarray(0, event.size));
      continue;
    }
    // Some of what was not flushed is torn between two sectors.
    const isTorn = !isFlushed && event.data.length > 512 && chance() < 0.1;
    const data = isTorn
      ? event.data.subarray(0, 512 * Math.ceil((chance() * event.data.length) / 512))
      : event.data;
    const size = Math.max(before.length, event.at + data.length);
    const after = Buffer.concat([before, Buffer.alloc(size - before.length)]);
    data.copy(after, event.at);
    files.set(event.file, after);
  }
  return files;
}

async function record(
  place: Place,
  store: 'node' | 'bun',
  durability: Order['durability'],
): Promise<Event[]> {
  const order: Order = {
    store,
    path: place.path,
    journal: place.journal,
    jobs: 300,
    ms: 1,
    concurrency: 5,
    leaseMs: 30_000,
    durability,
    maxCrashes: 3,
  };
  const trace = join(place.folder, 'trace');
  const calls = 'trace=pwrite64,write,ftruncate,fsync,fdatasync,unlink';
  const args = ['-ff', '-y', '-qq', '-xx', '-s', '1000000', '-e', calls, '-o', trace, ...commandOf(order)];
  const child = spawn('strace', args, { stdio: 'inherit' });
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`strace ended with ${code}`);
  const threads = readdirSync(place.folder).filter((name) => name.startsWith('trace.'));
  const texts = threads.map((name) => readFileSync(join(place.folder, name), 'latin1'));
  // SQLite and the journal are written by the main thread alone, so one file has the order of all.
  const main = texts.filter((text) => text.includes(hexOf(basename(place.path))));
  if (main.length !== 1) throw new Error(`${main.length} threads have written the database`);
  return (main[0] ?? '').split('\n').flatMap((line) => eventOf(line));
}

function eventOf(line: string): Event[] {
  const call = /^(\w+)\((?:(\d+)<([^>]*)>|"([^"]*)")(?:, (.*))?\)\s+= (\d+)$/.exec(line);
  if (call === null) return [];
  const [, name, , descriptor, path, rest = ''] = call;
  const file = basename(textOf(descriptor ?? path ?? '').toString());
  if (file === 'journal') {
    const written = textOf(/^"([^"]*)"/.exec(rest)?.[1] ?? '').toString();
    const ack = /^ack (\d+) /.exec(written);
    return ack === null ? [] : [{ kind: 'ack', n: Number(ack[1]) }];
  }
  if (!/^tasks\.db(-wal|-journal)?$/.test(file)) return [];
  if (name === 'fsync' || name === 'fdatasync') return [{ kind: 'sync', file }];
  if (name === 'unlink') return [{ kind: 'unlink', file }];
  if (name === 'ftruncate') return [{ kind: 'truncate', file, size: Number(rest) }];
  const [, data = '', , at = '0'] = /^"([^"]*)", (\d+), (\d+)$/.exec(rest) ?? [];
  return [{ kind: 'write', file, at: Number(at), data: textOf(data) }];
}

/** Bytes that strace has written as `\x00\x01`. A path of a descriptor comes so as well. */
function textOf(escaped: string): Buffer {
  return escaped.startsWith('\\x') ? Buffer.from(escaped.replaceAll('\\x', ''), 'hex') : Buffer.from(escaped);
}

function hexOf(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
