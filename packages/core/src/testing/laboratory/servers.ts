// The simulated server: decides a call at the moment it is sent, answers it later.
import type { Clock, Timer } from '../../clock.js';
import { draw, seededRandom } from './random.js';
import { Bucket, type RateLimit, rateLimit } from './rate-limits.js';
import type { NeighbourModel, RateLimitModel, ServerModel } from './scenario.js';

/** What a server says to a call. Times are ms. */
export type Answer =
  /** HTTP 200, or 500 after the same latency. `remaining` and `reset`: where the model has `headers`. */
  | { status: 'ok' | 'error'; remaining?: number; reset?: number }
  /** HTTP 429, or 503 of a full queue. `retryAfter`: where the model has it. */
  | { status: 'limited' | 'overload'; retryAfter?: number };

/** The part of a clock that a server needs. */
export type ServerClock = Pick<Clock, 'monotonic' | 'setTimeout' | 'clearTimeout'>;

/** A call that is being served or waits for a worker. */
interface Call {
  work: number;
  done: () => void;
  /** Of a sharing server: progress of every call since the start at which this one is finished. */
  end: number;
}

const STREAMS = { latency: 1, errors: 2, neighbours: 3 };

/** When other users of the cap begin, ms. */
const NEIGHBOURS_BEGIN = 5_000;

/** A cap does not know when a call will end; what it says where hints are on, ms. */
const CAP_HINT = 1_000;

/**
 * A server as its model describes it, in the time of `clock`, which begins for it when it is made.
 *
 * @example
 * const clock = new VirtualClock();
 * const server = new SimulatedServer({ rejectMs: 25, cap: 1, latency: { dist: 'const', value: 200 } }, clock, 1);
 * const answers = Promise.all([server.request(), server.request()]);
 * (await clock.run(answers)).map((answer) => answer.status); // ['ok', 'limited']
 */
export class SimulatedServer {
  /** Calls received. */
  calls = 0;
  /** Calls refused, by a limit or by a full queue. */
  refused = 0;

  readonly #model: ServerModel;
  readonly #clock: ServerClock;
  readonly #born: number;
  readonly #limits: { model: RateLimitModel; limit: RateLimit }[];
  readonly #latency: () => number;
  readonly #error: () => boolean;
  readonly #neighbour: Neighbour | undefined;
  #factor = 1;
  #scheduled = 0;
  #banned = 0;
  /** Calls being served; those that wait for a worker are not. */
  #served = 0;
  #held = 0;
  readonly #queue: Call[] = [];
  #shared: Call[] = [];
  #progress = 0;
  #progressAt = 0;
  #shareTimer: Timer;

  /** @param seed - of latencies, errors and neighbours */
  constructor(model: ServerModel, clock: ServerClock, seed: number) {
    this.#model = model;
    this.#clock = clock;
    this.#born = clock.monotonic();
    this.#limits = (model.limits ?? []).map((limit) => ({ model: limit, limit: rateLimit(limit) }));
    const latency = seededRandom(seed, STREAMS.latency);
    const errors = seededRandom(seed, STREAMS.errors);
    this.#latency = () => draw(model.latency, latency);
    this.#error = () => model.errorRate !== undefined && errors() < model.errorRate;
    if (model.neighbours !== undefined)
      this.#neighbour = new Neighbour(model.neighbours, seededRandom(seed, STREAMS.neighbours));
    // Work that is under way goes on at another speed.
    if (model.queue !== undefined || model.share !== undefined)
      for (const { at } of model.schedule ?? [])
        clock.setTimeout(() => {
          this.#advance();
          this.#serve();
        }, at);
  }

  /** A call of a job; the answer comes after its latency. */
  request(weight = 1): Promise<Answer> {
    return new Promise((resolve) => this.call(weight, resolve));
  }

  /** As {@link request}, with a callback. */
  call(weight: number, answer: (answer: Answer) => void): void {
    const now = this.#advance();
    this.calls++;
    const refusal = this.#refuse(weight, now);
    if (refusal !== undefined) {
      this.refused++;
      this.#clock.setTimeout(() => answer(refusal), this.#model.rejectMs);
      return;
    }
    for (const { model, limit } of this.#limits) limit.take(model.unit === 'weight' ? weight : 1);
    const result: Answer = { status: this.#error() ? 'error' : 'ok', ...this.#headers() };
    const work = this.#latency() + (this.#model.perWeight ?? 0) * weight;
    this.#admit({ work, done: () => answer(result), end: 0 });
  }

  /** Whether capacity may come back without a call having ended. */
  get shifting(): boolean {
    return this.#model.schedule !== undefined || this.#model.neighbours !== undefined;
  }

  /** ms until a call would be served without queueing; 0 = now; Infinity = once another one has been answered. */
  wait(weight = 1): number {
    const now = this.#advance();
    if (now < this.#banned) return this.#banned - now;
    const { cap, queue, share } = this.#model;
    const places = Math.min(
      cap === undefined ? Infinity : cap * this.#factor - this.#held,
      queue === undefined ? Infinity : this.#workers(queue.workers),
      share === undefined ? Infinity : Math.max(1, share.knee * this.#factor),
    );
    if (this.#served + this.#queue.length + 1 > places) return Infinity;
    const wait = this.#limitWait(weight);
    // Less would be lost in the rounding of a long time: a moment that never comes.
    return wait > 0 ? Math.max(wait, 1e-3) : 0;
  }

  /** Of an accepted call: what the tightest limit that tells it has left. */
  #headers(): { remaining: number; reset: number } | undefined {
    if (this.#model.headers !== true) return undefined;
    const rooms = this.#limits.flatMap(({ limit }) => limit.room() ?? []);
    return rooms.sort((a, b) => a.remaining - b.remaining)[0];
  }

  #limitWait(weight: number): number {
    let wait = 0;
    for (const { model, limit } of this.#limits)
      wait = Math.max(wait, limit.wait(model.unit === 'weight' ? weight : 1));
    return wait;
  }

  #refuse(weight: number, now: number): Answer | undefined {
    const { penalty, cap, queue } = this.#model;
    if (penalty !== undefined && now < this.#banned) {
      if (penalty.extend === true) this.#banned = now + penalty.ms;
      return this.#limited(this.#banned - now);
    }
    let wait = this.#limitWait(weight);
    if (wait === 0 && cap !== undefined && this.#served + this.#held + 1 > cap * this.#factor)
      wait = CAP_HINT;
    else if (wait > 0)
      for (const { model, limit } of this.#limits)
        if (model.countRefused === true) limit.take(model.unit === 'weight' ? weight : 1);
    if (wait > 0) {
      if (penalty === undefined) return this.#limited(wait);
      this.#banned = now + penalty.ms;
      return this.#limited(penalty.ms);
    }
    const full = queue !== undefined && this.#queue.length >= queue.maxQueue;
    return full && this.#served >= this.#workers(queue.workers) ? { status: 'overload' } : undefined;
  }

  #limited(wait: number): Answer {
    const unit = this.#model.retryAfter;
    if (unit === undefined || wait === Infinity) return { status: 'limited' };
    return {
      status: 'limited',
      retryAfter: unit === 'ms' ? Math.max(1, Math.ceil(wait)) : Math.max(1, Math.ceil(wait / 1000)) * 1000,
    };
  }

  #admit(call: Call): void {
    if (this.#model.share !== undefined) {
      this.#served++;
      call.end = this.#progress + call.work;
      this.#shared.push(call);
      this.#serve();
    } else if (this.#model.queue !== undefined) {
      this.#queue.push(call);
      this.#serve();
    } else this.#start(call);
  }

  #start(call: Call): void {
    this.#served++;
    this.#clock.setTimeout(() => {
      this.#advance();
      this.#served--;
      call.done();
      this.#serve();
    }, call.work);
  }

  /** Starts what waits for a worker; sets the timer of the next call that a sharing server finishes. */
  #serve(): void {
    const { queue, share } = this.#model;
    if (queue !== undefined)
      while (this.#queue.length > 0 && this.#served < this.#workers(queue.workers))
        this.#start(this.#queue.shift() as Call); // length > 0
    if (share === undefined) return;
    this.#clock.clearTimeout(this.#shareTimer);
    const end = Math.min(...this.#shared.map((call) => call.end));
    if (end === Infinity) return;
    this.#shareTimer = this.#clock.setTimeout(
      () => {
        this.#advance();
        const finished = this.#shared.filter((call) => call.end <= end);
        this.#shared = this.#shared.filter((call) => call.end > end);
        this.#served -= finished.length;
        this.#progress = Math.max(this.#progress, end);
        for (const call of finished) call.done();
        this.#serve();
      },
      Math.max(0, end - this.#progress) / this.#speed(),
    );
  }

  #workers(workers: number): number {
    return Math.max(1, Math.floor(workers * this.#factor));
  }

  /** Speed of every call of a sharing server; 1 = alone. */
  #speed(): number {
    const n = this.#shared.length;
    if (this.#model.share === undefined || n === 0) return 1;
    const { alpha } = this.#model.share;
    const knee = Math.max(1, this.#model.share.knee * this.#factor);
    return n <= knee ? 1 : knee / (1 + alpha * (n - knee)) / n;
  }

  /** Brings limits, schedule and neighbours to the present, in the order of their moments. Gives the present. */
  #advance(): number {
    const now = this.#clock.monotonic() - this.#born;
    const schedule = this.#model.schedule ?? [];
    for (;;) {
      const change = schedule[this.#scheduled];
      const changeAt = change?.at ?? Infinity;
      const otherAt = this.#neighbour?.at ?? Infinity;
      if (Math.min(changeAt, otherAt) > now) break;
      if (change !== undefined && changeAt <= otherAt) {
        this.#to(changeAt, change.factor);
        this.#scheduled++;
      } else {
        this.#to(otherAt, this.#factor);
        this.#others(this.#neighbour as Neighbour); // otherAt is finite
      }
    }
    this.#to(now, this.#factor);
    return now;
  }

  #to(time: number, factor: number): void {
    this.#progress += (time - this.#progressAt) * this.#speed();
    this.#progressAt = time;
    this.#factor = factor;
    for (const { limit } of this.#limits) limit.advance(time, factor);
  }

  #others(neighbour: Neighbour): void {
    const { cap } = this.#model;
    const free = cap === undefined ? 0 : Math.floor(cap * this.#factor) - this.#served;
    const took = neighbour.act(Math.max(0, free));
    if (took === 'token') for (const { limit } of this.#limits) if (limit instanceof Bucket) limit.drain();
    if (typeof took === 'number') this.#held = took;
  }
}

/** Somebody else who uses the server, as a series of moments. */
class Neighbour {
  /** The next moment at which it acts, ms. */
  at: number;
  readonly #model: NeighbourModel;
  readonly #random: () => number;
  #on: boolean;
  /** End of the phase, ms. */
  #until: number;

  constructor(model: NeighbourModel, random: () => number) {
    this.#model = model;
    this.#random = random;
    this.#on = model.kind === 'poisson';
    this.#until = model.kind === 'hold' ? NEIGHBOURS_BEGIN : draw(model.on, random);
    this.at = this.#until;
    if (model.kind === 'poisson') this.#gap(0, model.rate);
  }

  /** Acts: takes a token, or holds from now on as many slots as it says. Nothing: a phase has ended. */
  act(free: number): 'token' | number | undefined {
    const model = this.#model;
    if (this.at < this.#until && model.kind === 'poisson') {
      this.#gap(this.at, model.rate);
      return 'token';
    }
    this.#on = !this.#on;
    const now = this.#until;
    this.#until = now + Math.max(draw(this.#on ? model.on : model.off, this.#random), 1e-3);
    this.at = this.#until;
    if (model.kind === 'hold') return this.#on ? Math.min(model.slots, free) : 0;
    if (this.#on) this.#gap(now, model.rate);
    return undefined;
  }

  #gap(from: number, rate: number): void {
    this.at = Math.min(this.#until, from + draw({ dist: 'exp', mean: 1000 / rate }, this.#random));
  }
}
