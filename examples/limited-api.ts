// A real HTTP service on loopback with the habits of real ones: a rate limit, slow tails, errors, broken connections.
// The examples call it. Alone: `tsx examples/limited-api.ts --rps 20 --port 8080`; Ctrl-C prints what it saw.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** One call that was let through. `record` is the last segment of the path. */
export interface ApiRequest {
  method: string;
  path: string;
  record: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** The parsed JSON body of a POST. */
  body: unknown;
}

/** What became of a call. `reset`: the work was done and the connection broken. `gone`: the caller did not wait. */
export type Fate = 'answered' | 'refused' | 'error' | 'reset' | 'gone';

export interface LimitedApiOptions {
  /** Calls per second that are let through: a token bucket is filled at this rate. @default Infinity */
  rps?: number | undefined;
  /** Size of the bucket: calls that are let through at once after a rest. @default rps */
  burst?: number | undefined;
  /** Share of calls that end with 500, 0 to 1. @default 0 */
  errorRate?: number | undefined;
  /** Share of calls whose connection breaks after the work was done, 0 to 1. @default 0 */
  resetRate?: number | undefined;
  /** ms that an answer takes: lognormal, so that a few take long. @default { median: 10, spread: 0.5 } */
  latency?: { median: number; spread: number } | undefined;
  /** Chance depends on it, on the record and on how often that was let through: the same in every run. @default 1 */
  seed?: number | undefined;
  /** @default 0, any free one */
  port?: number | undefined;
  /** On how many ports it listens; a browser opens six connections to each, and no more. @default 1 */
  ports?: number | undefined;
  /** Whether pages of other origins may call it, and read what it says about limits. @default false */
  cors?: boolean | undefined;
  /** Body of the answer; undefined gives a 404. */
  answer?: ((request: ApiRequest) => unknown) | undefined;
  /** Told of each call that the limit let through, and how each call ended. */
  onCall?: ((record: string, what: 'taken' | Fate) => void) | undefined;
}

export interface LimitedApi {
  url: string;
  /** One for each port. */
  urls: readonly string[];
  stats(): ApiStats;
  /** Another limit from now on: calls per second, and as many at once. */
  limit(rps: number): void;
  close(): Promise<void>;
}

/** What the service saw. */
export interface ApiStats extends Record<Fate, number> {
  requests: number;
  inFlight: number;
  /** How often each record was answered. */
  fetches: ReadonlyMap<string, number>;
}

const CORS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': '*',
  'Access-Control-Expose-Headers': '*',
};

const echo = ({ record, query }: ApiRequest): unknown => ({ record, ...Object.fromEntries(query) });

export async function startLimitedApi(options: LimitedApiOptions = {}): Promise<LimitedApi> {
  const { errorRate = 0, resetRate = 0 } = options;
  let { rps = Number.POSITIVE_INFINITY } = options;
  const { latency = { median: 10, spread: 0.5 }, seed = 1, answer = echo, onCall } = options;
  const ends: Record<Fate, number> = { answered: 0, refused: 0, error: 0, reset: 0, gone: 0 };
  const fetches = new Map<string, number>();
  const calls = new Map<string, number>();
  let bucket = tokenBucket(rps, options.burst ?? rps);
  let inFlight = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (options.cors) for (const [name, value] of Object.entries(CORS)) response.setHeader(name, value);
    if (options.cors && request.method === 'OPTIONS') return void response.writeHead(204).end();
    const url = new URL(request.url ?? '/', 'http://localhost');
    const record = decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf('/') + 1));
    inFlight += 1;

    let fate: Fate = 'gone';
    let timer: NodeJS.Timeout | undefined;
    response.on('finish', () => {
      if (fate === 'answered') fetches.set(record, (fetches.get(record) ?? 0) + 1);
    });
    response.on('close', () => {
      clearTimeout(timer);
      inFlight -= 1;
      const end = fate === 'reset' || response.writableFinished ? fate : 'gone';
      ends[end] += 1;
      onCall?.(record, end);
    });
    const end = (as: Fate, status: number, body: unknown, headers: Record<string, string> = {}): void => {
      fate = as;
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };

    const body = await readJson(request);
    const wait = bucket();
    if (wait > 0) {
      const seconds = String(Math.ceil(wait / 1000));
      return end(
        'refused',
        429,
        { error: 'Too Many Requests' },
        {
          'Retry-After': seconds,
          'RateLimit-Limit': String(rps),
          'RateLimit-Remaining': '0',
          'RateLimit-Reset': seconds,
        },
      );
    }
    onCall?.(record, 'taken');
    const nth = (calls.get(record) ?? 0) + 1;
    calls.set(record, nth);
    const chance = (what: string): number => hash(`${seed}/${record}/${nth}/${what}`);
    const normal = Math.sqrt(-2 * Math.log(chance('a') || 1e-9)) * Math.cos(2 * Math.PI * chance('b'));
    timer = setTimeout(
      () => {
        if (chance('error') < errorRate) return end('error', 500, { error: 'Internal Server Error' });
        const { method = 'GET', headers } = request;
        const result = answer({ method, path: url.pathname, record, query: url.searchParams, headers, body });
        if (chance('reset') < resetRate) {
          fate = 'reset';
          return void request.socket.destroy();
        }
        if (result === undefined) return end('answered', 404, { error: 'Not Found' });
        end('answered', 200, result);
      },
      latency.median * Math.exp(latency.spread * normal),
    );
  }

  const servers = await Promise.all(
    Array.from({ length: options.ports ?? 1 }, async (_, nth) => {
      const server = createServer((request, response) => void handle(request, response));
      server.listen(options.port ? options.port + nth : 0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const urls = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    url: urls[0] ?? '',
    urls,
    stats: () => ({
      ...ends,
      requests: Object.values(ends).reduce((sum, count) => sum + count, inFlight),
      inFlight,
      fetches: new Map(fetches),
    }),
    limit(changed) {
      rps = changed;
      bucket = tokenBucket(rps, rps);
    },
    async close() {
      const closed = servers.map((server) => once(server, 'close'));
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
      await Promise.all(closed);
    },
  };
}

/** @returns a function that takes a token and gives 0, or the ms until there is one */
function tokenBucket(rps: number, burst: number): () => number {
  if (rps === Number.POSITIVE_INFINITY) return () => 0;
  let tokens = burst;
  let filledAt = performance.now();
  return () => {
    const now = performance.now();
    tokens = Math.min(burst, tokens + ((now - filledAt) * rps) / 1000);
    filledAt = now;
    if (tokens < 1) return ((1 - tokens) * 1000) / rps;
    tokens -= 1;
    return 0;
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  try {
    for await (const chunk of request) text += chunk;
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined; // The caller went away, or sent no JSON.
  }
}

/** A number in [0, 1) that looks random and is the same for the same text (FNV-1a, then the mixer of MurmurHash3). */
function hash(text: string): number {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  h = Math.imul(h ^ (h >>> 16), 2246822507);
  h = Math.imul(h ^ (h >>> 13), 3266489909);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      rps: { type: 'string', default: '50' },
      burst: { type: 'string' },
      errors: { type: 'string', default: '0.01' },
      resets: { type: 'string', default: '0.005' },
      median: { type: 'string', default: '40' },
      port: { type: 'string', default: '0' },
    },
  });
  const api = await startLimitedApi({
    rps: Number(values.rps),
    burst: values.burst === undefined ? undefined : Number(values.burst),
    errorRate: Number(values.errors),
    resetRate: Number(values.resets),
    latency: { median: Number(values.median), spread: 0.8 },
    port: Number(values.port),
  });
  console.log(`Listening on ${api.url}, ${values.rps} calls per second. Try: curl -i ${api.url}/records/1`);
  process.once('SIGINT', async () => {
    const { fetches, ...counts } = api.stats();
    console.log({ ...counts, records: fetches.size });
    await api.close();
  });
}
