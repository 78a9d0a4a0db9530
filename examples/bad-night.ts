// A bad night in two seconds: a policy tried against a simulated service, by the real engine in virtual time.
import { HttpError } from '@taskhub/core';
import { runScenario, type Scenario, type Trial, type TrialWorld } from '@taskhub/core/testing';

/** 60 calls per second until the service drops to a fifth of that for a while; one call in a hundred fails. */
const night: Scenario = {
  id: 'bad night',
  jobsPerClient: 5000,
  clients: 1,
  maxConcurrency: 50,
  initialConcurrency: 5,
  minConcurrency: 1,
  clientTimeoutMs: 30_000,
  weights: null,
  server: {
    latency: { dist: 'lognormal', median: 200, sigma: 0.5 },
    rejectMs: 20,
    limits: [{ kind: 'bucket', rate: 60, burst: 60 }],
    errorRate: 0.01,
    schedule: [
      { at: 20_000, factor: 0.2 },
      { at: 50_000, factor: 1 },
    ],
  },
};

/** As it comes: `ctx.fetch` shows the controller what the service says. */
const asItComes = ({ sleep }: TrialWorld): Trial => ({
  async handler(job, ctx) {
    await ctx.fetch(`https://api.example.com/records/${job.index}`);
    await sleep(5); // what the handler does with the answer
  },
});

/** A bare fetch: the error must carry the status, or a refusal is an error like any other and costs attempts. */
const bareFetch = ({ fetch }: TrialWorld): Trial => ({
  async handler(job, ctx) {
    const response = await fetch(`https://api.example.com/records/${job.index}`, { signal: ctx.signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
  },
  isRateLimited: () => false, // as if the message said nothing
});

/** A client that retries by itself: the controller never hears of a refusal. */
const ownRetries = ({ fetch, sleep }: TrialWorld): Trial => ({
  async handler(job, ctx) {
    for (let attempt = 0; ; attempt++) {
      const response = await fetch(`https://api.example.com/records/${job.index}`, { signal: ctx.signal });
      if (response.ok) return;
      const { status, headers } = response;
      if (attempt === 2) throw new HttpError({ status, headers, body: '' });
      await sleep(500 * 2 ** attempt);
    }
  },
});

for (const [name, trial] of Object.entries({ asItComes, bareFetch, ownRetries })) {
  const { ratio, waste, failed, clients } = await runScenario(night, { seed: 1, trial });
  const samples = clients[0]?.speed.samples ?? [];
  const slowest = Math.min(...samples.slice(1, -1).map(({ rate }) => rate));
  console.log(
    `${name.padEnd(10)} ${ratio.toFixed(2)} × the best time, ${(100 * waste).toFixed(1)} % refused, ` +
      `${failed} lost, ${slowest} per second at the slowest`,
  );
}
