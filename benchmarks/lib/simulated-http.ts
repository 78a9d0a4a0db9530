// A server of the laboratory behind a real socket, in real time.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@taskhub/core';
import { type ServerModel, SimulatedServer, serverFetch } from '@taskhub/core/testing';

/** What the service saw, and its end. */
export interface SimulatedHttp {
  url: string;
  calls(): number;
  refused(): number;
  close(): Promise<void>;
}

export async function serve(model: ServerModel): Promise<SimulatedHttp> {
  const simulated = new SimulatedServer(model, systemClock, 1);
  const answer = serverFetch(simulated);
  const http = createServer(async (_request, response) => {
    const { status, headers } = await answer('http://localhost/');
    response.writeHead(status, Object.fromEntries(headers)).end('{}');
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    calls: () => simulated.calls,
    refused: () => simulated.refused,
    async close() {
      const closed = once(http, 'close');
      http.close();
      http.closeAllConnections();
      await closed;
    },
  };
}
