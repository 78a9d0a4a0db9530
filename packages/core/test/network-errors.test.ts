// What the fetch of the runtime throws when the network is at fault, and that it is told from what is not. Run in
// Node here, in Bun and Deno by `pnpm check:runtimes`: each has errors of its own.
import { createServer, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { isRateLimitedByDefault, isRetryableByDefault } from '../src/classify.js';

/** A server that does this to each connection once a request has come in; its URL. */
async function serverThat(answer: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('data', () => answer(socket));
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
}

const cutAfter = (head: string) => (socket: Socket) => socket.write(head, () => socket.destroy());

async function portThatIsClosed(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
}

const never = (): void => {};
const HEAD = 'HTTP/1.1 200 OK\r\n';

const CASES: [what: string, request: () => Promise<unknown>, retryable: boolean][] = [
  ['a port where nobody listens', async () => fetch(await portThatIsClosed()), true],
  ['a connection that is closed', async () => fetch(await serverThat((socket) => socket.destroy())), true],
  [
    'a connection that is reset',
    async () => fetch(await serverThat((socket) => socket.resetAndDestroy())),
    true,
  ],
  [
    'a connection that is closed after a POST',
    async () => fetch(await serverThat((socket) => socket.destroy()), { method: 'POST', body: '{}' }),
    true,
  ],
  [
    'an answer that is cut short',
    async () => (await fetch(await serverThat(cutAfter(`${HEAD}content-length: 1000\r\n\r\n{"a"`)))).json(),
    true,
  ],
  [
    'an answer in pieces that is cut short',
    async () =>
      (
        await fetch(await serverThat(cutAfter(`${HEAD}transfer-encoding: chunked\r\n\r\n4\r\n{"a"\r\n`)))
      ).text(),
    true,
  ],
  [
    'no answer in time',
    async () => fetch(await serverThat(never), { signal: AbortSignal.timeout(20) }),
    true,
  ],
  ['a host that is not there', () => fetch('http://no-such-host.invalid/'), true],
  ['an address that is none', () => fetch('http://'), false],
  [
    'a request that was given up',
    async () => fetch(await serverThat(never), { signal: AbortSignal.abort() }),
    false,
  ],
  [
    'an answer that is not JSON',
    async () =>
      (await fetch(await serverThat((socket) => socket.end(`${HEAD}content-length: 2\r\n\r\nno`)))).json(),
    false,
  ],
];

test.each(CASES)('fetch: %s', { timeout: 20_000 }, async (_, request, retryable) => {
  const error = await request().then(
    () => expect.unreachable('the request went through'),
    (reason: unknown) => reason,
  );
  expect(isRetryableByDefault(error), String(error)).toBe(retryable);
  expect(isRateLimitedByDefault(error)).toBe(false);
});
