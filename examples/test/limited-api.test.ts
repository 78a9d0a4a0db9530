import { expect, test, vi } from 'vitest';
import { startLimitedApi } from '../limited-api.ts';

test('limited API: what is over the limit is refused, with the time to come back', async () => {
  const api = await startLimitedApi({ rps: 5, latency: { median: 1, spread: 0 } });
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => fetch(`${api.url}/records/${i}`)));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(3);
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
  expect(refused[0]?.headers.get('ratelimit-remaining')).toBe('0');
  expect(api.stats()).toMatchObject({ requests: 8, answered: 5, refused: 3, inFlight: 0 });
  await api.close();
});

test('limited API: errors and broken connections are the same in every run', async () => {
  const fates = async (): Promise<string[]> => {
    const seen: string[] = [];
    const api = await startLimitedApi({
      errorRate: 0.2,
      resetRate: 0.2,
      latency: { median: 1, spread: 0 },
      onCall: (record, what) => what !== 'taken' && seen.push(`${record} ${what}`),
    });
    await Promise.allSettled(Array.from({ length: 40 }, (_, i) => fetch(`${api.url}/records/${i}`)));
    // The service may hear of a broken connection a little later than the client.
    await vi.waitFor(() => expect(seen).toHaveLength(40), 5000);
    await api.close();
    return seen.sort();
  };
  const first = await fates();
  expect(new Set(first.map((line) => line.split(' ')[1]))).toEqual(new Set(['answered', 'error', 'reset']));
  expect(await fates()).toEqual(first);
});

test('limited API: it counts how often each record was answered', async () => {
  const api = await startLimitedApi();
  for (const record of ['a', 'b', 'a']) await (await fetch(`${api.url}/records/${record}`)).text();
  expect(api.stats().fetches).toEqual(
    new Map([
      ['a', 2],
      ['b', 1],
    ]),
  );
  await api.close();
});
