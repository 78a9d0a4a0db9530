// Random sequences by two owners, compared step by step with a model that is too simple to be wrong.
import type {
  ExchangeResult,
  InsertResult,
  JobCounts,
  JobRecord,
  NewJob,
  OwnerRecord,
  Settlement,
} from '../../storage/contract.js';
import { allJobs, hashOf, hex, LEASE, newTask, type Plain, plain, T0 } from './fixtures.js';
import type { Suite } from './suite.js';

const STEPS = 500;
const OWNERS = ['ann', 'bob'] as const;

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type ModelJob = Plain<JobRecord> & { crashes: number; owner: string | null; fresh: boolean };

/** One task as a list of rows that is searched from end to end for everything. */
class Model {
  readonly jobs: ModelJob[] = [];
  readonly leases = new Map<string, number>();

  insert(batch: readonly NewJob[]): InsertResult {
    const duplicates: { at: number; seq: number; sameInput: boolean }[] = [];
    for (const [at, { seq, hash, key, input }] of batch.entries()) {
      const known = this.jobs.find((job) => job.hash === hex(hash));
      if (known !== undefined) duplicates.push({ at, seq: known.seq, sameInput: known.input === input });
      else this.jobs.push(freshJob(Math.max(seq, (this.jobs.at(-1)?.seq ?? 0) + 1), hex(hash), key, input));
    }
    return { inserted: batch.length - duplicates.length, duplicates, reused: 0, counts: this.counts() };
  }

  exchange(
    owner: string,
    now: number,
    settlements: readonly Settlement[],
    limit: number | null,
  ): ExchangeResult {
    const lost: number[] = [];
    for (const settlement of settlements) {
      const job = this.jobs.find(({ seq }) => seq === settlement.seq);
      if (job?.owner === owner) settleJob(job, settlement);
      else lost.push(settlement.seq);
    }
    for (const [other, until] of this.leases) {
      if (other !== owner && until <= now) this.release(other, true, now);
    }
    const claimed: ModelJob[] = [];
    if (limit !== null) {
      this.leases.set(owner, now + LEASE);
      const due = this.jobs.filter((job) => job.dueAt !== null && job.dueAt <= now);
      due.sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || a.seq - b.seq);
      claimed.push(...[...due, ...this.jobs.filter((job) => job.fresh)].slice(0, limit));
      for (const job of claimed) {
        Object.assign(job, { status: 'active', fresh: false, owner, startedAt: now, dueAt: null });
        job.attempts += 1;
      }
    }
    return {
      claimed: claimed.map(({ seq, hash, key, input, attempts, throttles, crashes, error }) => {
        return { seq, hash: bytes(hash), key, input, attempts, throttles, crashes, error };
      }),
      lost,
      counts: this.counts(),
      status: 'idle',
      nextDueAt: this.nextDueAt(owner),
    };
  }

  release(owner: string, crashed: boolean, now: number): number {
    const held = this.jobs.filter((job) => job.owner === owner);
    for (const job of held) {
      putBack(job, now);
      if (crashed) job.crashes += 1;
      else job.attempts -= 1;
    }
    this.leases.delete(owner);
    return held.length;
  }

  reset(limit: number, now: number): { reset: number; counts: JobCounts } {
    const chosen = this.jobs.filter((job) => job.status === 'failed').slice(0, limit);
    for (const job of chosen) {
      putBack(job, now);
      Object.assign(job, { attempts: 0, throttles: 0, crashes: 0, endedAt: null });
    }
    return { reset: chosen.length, counts: this.counts() };
  }

  owners(): OwnerRecord[] {
    return [...this.leases].map(([id, leaseUntil]) => ({ id, leaseUntil })).sort(byId);
  }

  rows(): Plain<JobRecord>[] {
    return this.jobs.map(({ crashes: _crashes, owner: _owner, fresh: _fresh, ...row }) => row);
  }

  counts(): JobCounts {
    const count = (test: (job: ModelJob) => boolean): number => this.jobs.filter(test).length;
    return {
      total: this.jobs.length,
      pending: count((job) => job.status === 'pending'),
      waiting: count((job) => job.dueAt !== null),
      active: count((job) => job.status === 'active'),
      completed: count((job) => job.status === 'completed'),
      failed: count((job) => job.status === 'failed'),
    };
  }

  nextDueAt(owner: string): number | null {
    const due = this.jobs.flatMap((job) => (job.dueAt === null ? [] : [job.dueAt]));
    const ends = this.owners()
      .filter(({ id }) => id !== owner)
      .map(({ leaseUntil }) => leaseUntil);
    const first = Math.min(...due, ...ends);
    return first === Number.POSITIVE_INFINITY ? null : first;
  }
}

function freshJob(seq: number, hash: string, key: string | null, input: string): ModelJob {
  const times = { startedAt: null, endedAt: null, dueAt: null };
  const nothing = { attempts: 0, throttles: 0, crashes: 0, output: null, error: null, owner: null };
  return { seq, hash, key, input, status: 'pending', fresh: true, ...times, ...nothing };
}

function putBack(job: ModelJob, dueAt: number): void {
  Object.assign(job, { status: 'pending', owner: null, startedAt: null, dueAt });
}

function settleJob(job: ModelJob, settlement: Settlement): void {
  const { startedAt, endedAt } = settlement;
  if (settlement.outcome === 'completed') {
    const { output } = settlement;
    Object.assign(job, { status: 'completed', owner: null, startedAt, endedAt, output, error: null });
  } else if (settlement.outcome === 'failed') {
    Object.assign(job, { status: 'failed', owner: null, startedAt, endedAt, error: settlement.error });
    if (settlement.attempt === 'unused') job.attempts -= 1;
    if (settlement.attempt === 'refused') job.throttles += 1;
  } else {
    putBack(job, settlement.dueAt);
    if (settlement.outcome === 'interrupted') job.attempts -= 1;
    else job.error = settlement.error;
    if (settlement.outcome === 'throttled') job.throttles += 1;
  }
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, at) => Number.parseInt(text.slice(at * 2, at * 2 + 2), 16));
}

function byId(a: OwnerRecord, b: OwnerRecord): number {
  return a.id < b.id ? -1 : 1;
}

function plainResult(result: ExchangeResult): unknown {
  return { ...result, claimed: result.claimed.map(plain) };
}

/** Random steps, one test for each seed; a failure names seed and step. */
export function sequenceCases({ spec }: Suite, seeds: readonly number[]): void {
  for (const seed of seeds) {
    spec(
      `sequence: ${STEPS} random steps of two owners give what the model gives, seed ${seed}`,
      async (world) => {
        const handles = { ann: world.store, bob: await world.other() };
        const model = new Model();
        const random = seeded(seed);
        const below = (limit: number): number => Math.floor(random() * limit);
        const pick = <T>(list: readonly T[]): T | undefined => list[below(list.length)];
        let now = T0;
        let source = 0;
        await world.store.insertTask(newTask('t'));

        const settlementOf = (seq: number): Settlement => {
          const span = { seq, startedAt: now - 5, endedAt: now };
          const kind = below(12);
          if (kind < 5) return { ...span, outcome: 'completed', output: kind ? `out ${seq} ${now}` : null };
          if (kind < 8) {
            const attempt = (['spent', 'refused', 'unused'] as const)[kind - 5] ?? 'spent';
            return { ...span, outcome: 'failed', error: `failed ${now}`, attempt };
          }
          const dueAt = now + below(4) * 500;
          if (kind < 10) return { ...span, outcome: 'retry', error: `retry ${now}`, dueAt };
          if (kind < 11) return { ...span, outcome: 'throttled', error: `throttled ${now}`, dueAt };
          return { ...span, outcome: 'interrupted', dueAt };
        };
        const newBatch = (): NewJob[] =>
          Array.from({ length: below(6) }, () => {
            source += 1 + (below(5) ? 0 : below(3));
            const seq = below(10) ? source : below(source + 1) + 1;
            const id = below(6) ? `new ${source}` : `new ${below(source + 1)}`;
            return { seq, hash: hashOf(id), key: below(3) ? null : id, input: below(9) ? id : `other ${id}` };
          });
        const settlements = (owner: string): Settlement[] => {
          const held = model.jobs.filter((job) => job.owner === owner && below(2));
          const stray = below(8) ? [] : [pick(model.jobs)?.seq ?? 1, source + 50];
          const chosen = [...held.map((job) => job.seq), ...stray].map((seq) => ({ seq, place: random() }));
          return chosen.sort((a, b) => a.place - b.place).map(({ seq }) => settlementOf(seq));
        };

        for (let step = 1; step <= STEPS; step += 1) {
          const owner = pick(OWNERS) ?? 'ann';
          const store = handles[owner];
          const where = `seed ${seed}, step ${step}, ${owner}`;
          const same = (actual: unknown, expected: unknown, what: string): void =>
            world.equal(actual, expected, `${where}: ${what}`);
          now += below(12) ? below(900) : below(2 * LEASE);
          const kind = below(20);
          if (kind < 4) {
            const batch = newBatch();
            const expected = model.insert(batch);
            same(await store.insertJobs('t', batch, { now, last: false }), expected, 'insertJobs');
          } else if (kind < 16) {
            const settle = settlements(owner);
            const limit = below(5) ? below(8) : null;
            const expected = model.exchange(owner, now, settle, limit);
            const claim = limit === null ? null : { limit, leaseUntil: now + LEASE };
            const actual = await store.exchange('t', { owner, now, settle, claim });
            same(plainResult(actual), plainResult(expected), 'exchange');
          } else if (kind < 17) {
            const crashed = below(2) === 0;
            const expected = model.release(owner, crashed, now);
            same(await store.releaseJobs('t', { owner, crashed }, now), expected, 'releaseJobs');
          } else if (kind < 18) {
            const limit = 1 + below(5);
            const expected = model.reset(limit, now);
            same(await store.resetFailed('t', limit, now), expected, 'resetFailed');
          } else if (kind < 19) {
            if (model.leases.has(owner)) model.leases.set(owner, now + LEASE);
            await store.renewLeases(owner, now + LEASE);
          } else {
            same((await store.listOwners('t')).sort(byId), model.owners(), 'listOwners');
          }
          if (step % 25 === 0 || step === STEPS) same(await allJobs(store, 't'), model.rows(), 'rows');
        }
        world.equal(
          (await world.store.readTask('t'))?.counts,
          model.counts(),
          `seed ${seed}: counts at the end`,
        );
      },
    );
  }
}
