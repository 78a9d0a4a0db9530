// An analyst reads balances from several JSON-RPC endpoints, whose refusals come as HTTP 200 with an error inside.
import { createTaskHub, type JobContext, TaskSource } from '@shelchin/taskhub';
import { dataFile } from './data-file.ts';
import { type ApiRequest, startLimitedApi } from './limited-api.ts';

let calls = 0;
const answer = ({ body }: ApiRequest): unknown => {
  const { params } = body as { params: [string] };
  if (++calls % 9 === 0) return { error: { code: -32005, message: 'limit exceeded' } };
  return { result: `0x${(BigInt(params[0]) * 10n ** 15n).toString(16)}` };
};
const endpoints = await Promise.all([1, 2, 3].map(() => startLimitedApi({ answer })));

class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

class Balances extends TaskSource<string, string> {
  readonly type = 'deterministic';

  getData() {
    return Array.from({ length: 60 }, (_, i) => `0x${(i + 1).toString(16).padStart(40, '0')}`);
  }

  async handler(address: string, ctx: JobContext): Promise<string> {
    // Spread over the endpoints, and another one for each attempt.
    const turn = Number.parseInt(ctx.jobId.slice(0, 8), 16) + ctx.attempt;
    const endpoint = endpoints[turn % endpoints.length]?.url;
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'eth_getBalance',
      params: [address, 'latest'],
    });
    const response = await ctx.fetch(`${endpoint}/rpc/${address}`, { method: 'POST', body });
    const { result, error } = (await response.json()) as { result: string; error?: RpcError };
    if (error) throw new RpcError(error.code, error.message);
    return result; // hex text: JSON has no bigint
  }

  isRateLimited(error: unknown): boolean {
    return error instanceof RpcError ? error.code === -32005 : super.isRateLimited(error);
  }
}

const hub = await createTaskHub({ dbPath: dataFile('rpc-endpoints.db') });
const task = await hub.createTask({ name: 'balances', source: new Balances(), concurrency: { max: 30 } });
let refusals = 0;
task.on('job:retry', () => refusals++);
const { completed, ran, failed } = await task.start();

let wei = 0n;
for await (const job of task.results({ status: 'completed' })) wei += BigInt(job.output);
console.log(`${completed} balances, ${ran} in this run, ${failed} failed, sum ${wei / 10n ** 15n} finney`);
console.log(`refused and asked again: ${refusals}`);
await hub.close();
await Promise.all(endpoints.map((endpoint) => endpoint.close()));
