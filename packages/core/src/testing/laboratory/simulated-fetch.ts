// The simulated server as a handler meets it: answers as HTTP.
import { HttpError } from '../../http.js';
import type { JobContext } from '../../types.js';
import type { Answer, SimulatedServer } from './servers.js';

const STATUS = { ok: 200, error: 500, limited: 429, overload: 503 } as const;

/** `fetch` that knows one server, whatever the address. A request header `x-weight` says what the call weighs. */
export function serverFetch(server: SimulatedServer): typeof globalThis.fetch {
  return async (_url, init) => {
    const weight = Number(new Headers(init?.headers).get('x-weight') ?? 1);
    const answer = await ask(server, weight, init?.signal ?? undefined);
    return new Response(answer.status === 'ok' ? '{}' : '', {
      status: STATUS[answer.status],
      headers: headersOf(answer),
    });
  };
}

/** The same as `ctx.fetch` with that, at a tenth of its cost. */
export async function callServer(server: SimulatedServer, weight: number, ctx: JobContext): Promise<void> {
  const answer = await ask(server, weight, ctx.signal);
  const headers = headersOf(answer);
  ctx.observe(headers);
  const status = STATUS[answer.status];
  if (status !== 200) throw new HttpError({ status, headers, body: '' });
}

/** The server goes on with a call that is given up. */
function ask(server: SimulatedServer, weight: number, signal: AbortSignal | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', () => reject(signal.reason as Error));
    server.call(weight, resolve);
  });
}

function headersOf(answer: Answer): Headers {
  const headers = new Headers();
  if ('retryAfter' in answer) headers.set('retry-after-ms', String(answer.retryAfter));
  if ('remaining' in answer) headers.set('ratelimit-remaining', String(answer.remaining));
  if ('reset' in answer) headers.set('ratelimit-reset', String(Math.ceil((answer.reset ?? 0) / 1000)));
  return headers;
}
