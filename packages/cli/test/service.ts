// The rate-limited service of the examples, for one test.
import { onTestFinished } from 'vitest';
import { type LimitedApi, type LimitedApiOptions, startLimitedApi } from '../../../examples/limited-api.ts';

export async function service(options: LimitedApiOptions = {}): Promise<LimitedApi> {
  const api = await startLimitedApi({ latency: { median: 5, spread: 0.3 }, ...options });
  onTestFinished(() => api.close());
  return api;
}

/** A job file that asks the service about each row. */
export function jobFor(api: LimitedApi, options = ''): string {
  return `import { defineTask } from '@shelchin/taskhub';

interface Row { id: string; name: string }

export default defineTask({
  name: 'people',
  async handler(row: Row, ctx) {
    const response = await ctx.fetch(\`${api.url}/people/\${row.id}?name=\${encodeURIComponent(row.name)}\`);
    return response.json() as Promise<{ record: string; name: string }>;
  },
  ${options}
});
`;
}
