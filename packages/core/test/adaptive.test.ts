// The adaptive controller: what must hold after any history, and how it does against simulated servers through the
// real engine, in virtual time.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AdaptiveState, adaptive } from '../src/limit/adaptive.js';
import type { Feedback, LimitConfig } from '../src/limit/controller.js';
import { runScenario } from '../src/testing/laboratory/run-scenario.js';
import type { ServerModel } from '../src/testing/laboratory/scenario.js';

const CONFIG: LimitConfig = {
  min: 1,
  max: 50,
  initial: 5,
  additiveIncrease: 1,
  multiplicativeDecrease: 0.5,
  successThreshold: 10,
  timeout: 30_000,
};

/** What may happen next: some calls are sent, or one comes back, after some ms. */
const EVENT = fc.record({
  after: fc.integer({ min: 0, max: 5000 }),
  kind: fc.constantFrom('ok', 'ok', 'ok', 'refused', 'refused', 'timeout', 'failed'),
  hint: fc.option(fc.integer({ min: 1, max: 700_000 }), { nil: undefined }),
  pick: fc.nat(),
});

interface Moment {
  state: AdaptiveState;
  now: number;
  inFlight: number;
  /** What came back, and the state before. */
  news?: { feedback: Feedback; before: AdaptiveState };
}

const copy = (state: AdaptiveState): AdaptiveState => JSON.parse(JSON.stringify(state)) as AdaptiveState;

/** Lives through events as the dispatcher would, with a state that was JSON between any two steps; `look` after each. */
function live(
  events: readonly (typeof EVENT extends fc.Arbitrary<infer E> ? E : never)[],
  look: (moment: Moment) => void,
): void {
  let now = 1000;
  let state = adaptive.start(CONFIG, now);
  const calls: { sentAt: number; level: number }[] = [];
  for (const { after, kind, hint, pick } of events) {
    now += after;
    for (let sent = 0; sent < 5 && adaptive.admit(state, CONFIG, calls.length, now) === 0; sent++) {
      calls.push({ sentAt: now, level: calls.length + 1 });
      state = adaptive.sent(copy(state), CONFIG, now);
      look({ state, now, inFlight: calls.length });
    }
    const [call] = calls.splice(pick % Math.max(1, calls.length), 1);
    if (call === undefined) continue;
    now += 1;
    const feedback = {
      ...call,
      inFlight: calls.length,
      kind,
      ...(kind === 'refused' && { hint }),
    } as Feedback;
    const before = copy(state);
    state = adaptive.received(copy(state), CONFIG, feedback, now);
    look({ state, now, inFlight: calls.length, news: { feedback, before } });
  }
}

const HISTORY = fc.array(EVENT, { maxLength: 300 });

describe('after any history', () => {
  test('the concurrency shown is a whole number in [min, max]', () => {
    fc.assert(
      fc.property(HISTORY, (events) => {
        live(events, ({ state, now }) => {
          const shown = adaptive.concurrency(state, CONFIG, now);
          expect(Number.isInteger(shown) && shown >= CONFIG.min && shown <= CONFIG.max).toBe(true);
        });
      }),
    );
  });

  test('with nothing in flight the next call waits at most 10 minutes, and then may go', () => {
    fc.assert(
      fc.property(HISTORY, (events) => {
        live(events, ({ state, now }) => {
          const wait = adaptive.admit(state, CONFIG, 0, now);
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(wait).toBeLessThanOrEqual(600_001);
          expect(adaptive.admit(state, CONFIG, 0, now + wait + 1)).toBe(0);
        });
      }),
    );
  });

  test('a refusal or timeout of a call that was sent before the last decrease decreases nothing', () => {
    fc.assert(
      fc.property(HISTORY, (events) => {
        let decreasedAt = -1;
        live(events, ({ state, now, news }) => {
          if (news === undefined) return;
          const { feedback, before } = news;
          if (feedback.kind !== 'ok' && feedback.sentAt < decreasedAt) {
            expect(adaptive.decreases(state)).toBe(adaptive.decreases(before));
            expect(state.limit).toBeGreaterThanOrEqual(before.limit);
            expect(state.pace).toBeGreaterThanOrEqual(before.pace);
            expect(state.shut).toBe(before.shut);
          }
          if (adaptive.decreases(state) > adaptive.decreases(before)) decreasedAt = now;
        });
      }),
    );
  });

  test('there is room for as many calls as are admitted one after the other', () => {
    fc.assert(
      fc.property(HISTORY, (events) => {
        live(events, ({ state, now, inFlight }) => {
          let then = copy(state);
          let sent = 0;
          for (; adaptive.admit(then, CONFIG, inFlight + sent, now) === 0; sent++)
            then = adaptive.sent(then, CONFIG, now);
          expect(Math.max(0, adaptive.room(state, CONFIG, inFlight, now))).toBe(sent);
        });
      }),
    );
  });

  test('never more than max calls are admitted', () => {
    fc.assert(
      fc.property(HISTORY, (events) => {
        live(events, ({ state, now }) => {
          expect(adaptive.admit(state, CONFIG, CONFIG.max, now)).toBe(Number.POSITIVE_INFINITY);
        });
      }),
    );
  });
});

test('the state is plain JSON: a run that goes through JSON at every step decides as one that does not', () => {
  fc.assert(
    fc.property(HISTORY, (events) => {
      live(events, ({ state, now, inFlight, news }) => {
        expect(copy(state)).toEqual(state);
        if (news === undefined) return;
        expect(adaptive.received(news.before, CONFIG, news.feedback, now)).toEqual(state);
        expect(adaptive.admit(copy(state), CONFIG, inFlight, now)).toBe(
          adaptive.admit(state, CONFIG, inFlight, now),
        );
      });
    }),
  );
});

test('the first refusal halves, and those of calls that were sent with it change nothing', () => {
  let state = adaptive.start(CONFIG, 0);
  for (let call = 0; call < 5; call++) state = adaptive.sent(state, CONFIG, 0);
  for (let call = 0; call < 5; call++) {
    const feedback: Feedback = { kind: 'refused', sentAt: 0, level: call + 1, inFlight: 4 - call };
    state = adaptive.received(state, CONFIG, feedback, 25);
  }
  expect(adaptive.decreases(state)).toBe(1);
  expect(adaptive.concurrency(state, CONFIG, 25)).toBe(2);
});

test('begins as AIMD does: one more after 10 successes in a row, also when they were sent together', () => {
  let state = adaptive.start(CONFIG, 0);
  const grown = [];
  for (let now = 100; now <= 400; now += 100) {
    for (let call = 0; call < 5; call++) state = adaptive.sent(state, CONFIG, now - 100);
    for (let call = 0; call < 5; call++) {
      const feedback: Feedback = { kind: 'ok', sentAt: now - 100, level: call + 1, inFlight: 4 - call };
      state = adaptive.received(state, CONFIG, feedback, now);
    }
    grown.push(adaptive.concurrency(state, CONFIG, now));
  }
  expect(grown).toEqual([5, 6, 6, 7]);
});

test('grows with calls of a few ms, whose times say more about the event loop than about the service', () => {
  let state = adaptive.start(CONFIG, 0);
  let now = 0;
  for (let round = 0; round < 200; round++) {
    const sentAt = now;
    let calls = 0;
    for (; adaptive.admit(state, CONFIG, calls, now) === 0; calls++)
      state = adaptive.sent(state, CONFIG, now);
    now += round % 20 < 10 ? 1 : 4;
    for (let call = 1; call <= calls; call++) {
      const feedback: Feedback = { kind: 'ok', sentAt, level: call, inFlight: calls - call };
      state = adaptive.received(state, CONFIG, feedback, now);
    }
  }
  expect(adaptive.concurrency(state, CONFIG, now)).toBe(CONFIG.max);
});

const latency = { dist: 'lognormal', median: 200, sigma: 0.3 } as const;
const MODELS: [string, ServerModel, { ratio: number; waste: number }][] = [
  ['a cap of 20', { rejectMs: 25, cap: 20, latency }, { ratio: 1.15, waste: 0.03 }],
  [
    'a bucket of 40 per second',
    { rejectMs: 25, limits: [{ kind: 'bucket', rate: 40, burst: 20 }], latency },
    { ratio: 1.15, waste: 0.03 },
  ],
  [
    'a window of 500 per 10 s that says Retry-After',
    { rejectMs: 25, limits: [{ kind: 'fixed', limit: 500, window: 10_000 }], retryAfter: 's', latency },
    { ratio: 1.3, waste: 0.03 },
  ],
  [
    'a bucket of 2 per second that holds one and says Retry-After',
    {
      rejectMs: 25,
      limits: [{ kind: 'bucket', rate: 2.13, burst: 1 }],
      retryAfter: 's',
      latency: { dist: 'lognormal', median: 97, sigma: 0.3 },
    },
    { ratio: 1.6, waste: 0.03 },
  ],
  [
    'a cap of 20 that is out for the first 30 s',
    {
      rejectMs: 25,
      cap: 20,
      latency,
      schedule: [
        { at: 0, factor: 0 },
        { at: 30_000, factor: 1 },
      ],
    },
    { ratio: 1.6, waste: 0.03 },
  ],
  ['no limit', { rejectMs: 25, latency }, { ratio: 1.35, waste: 0 }],
  [
    'a bucket of 50 per second that bans for 20 s, longer with every call',
    {
      rejectMs: 25,
      limits: [{ kind: 'bucket', rate: 50, burst: 50 }],
      penalty: { ms: 20_000, extend: true },
      latency,
    },
    { ratio: 4, waste: 0.03 },
  ],
];

describe('through the real engine, in virtual time', () => {
  for (const [name, server, bound] of MODELS) {
    test(`${name}: no job is lost, few calls are refused, and the run is not much longer than the best`, async () => {
      const scenario = {
        id: name,
        jobsPerClient: 3000,
        clients: 1,
        maxConcurrency: 50,
        initialConcurrency: 5,
        minConcurrency: 1,
        clientTimeoutMs: 30_000,
        weights: null,
        server,
      };
      const result = await runScenario(scenario);
      expect(result.failed).toBe(0);
      expect(result.waste).toBeLessThanOrEqual(bound.waste);
      expect(result.ratio).toBeLessThanOrEqual(bound.ratio);
    });
  }

  test('equal seeds give equal runs', async () => {
    const [, server] = MODELS[1] ?? [];
    const scenario = {
      id: 'twice',
      jobsPerClient: 500,
      clients: 2,
      maxConcurrency: 50,
      initialConcurrency: 5,
      minConcurrency: 1,
      clientTimeoutMs: 30_000,
      weights: null,
      server: server as ServerModel,
    };
    const run = () => runScenario(scenario, { seed: 7 });
    expect(await run()).toEqual(await run());
  });
});
