// Thousands of prompts over night, with an SDK: leave retries and pace to one of the two, and that is TaskHub.
import { createTaskHub, defineTask, isTaskHubError } from '@shelchin/taskhub';
import { ChatClient } from './chat-sdk.ts';
import { dataFile } from './data-file.ts';
import { startLimitedApi } from './limited-api.ts';

const api = await startLimitedApi({
  rps: 40,
  burst: 20,
  errorRate: 0.05,
  latency: { median: 60, spread: 0.8 },
  answer: ({ record }) => ({ text: record.split(' ').reverse().join(' '), tokens: record.length }),
});

// An SDK that retries by itself would hide refusals from the controller and hold a slot while it waits.
const client = new ChatClient({ baseURL: api.url, maxRetries: 0 });

const summarize = defineTask({
  name: 'summaries',
  version: 'prompt-1', // change it with the prompt: old answers are then not taken for new ones
  getData: () => Array.from({ length: 100 }, (_, i) => `summarize document ${i + 1}`),
  async handler(prompt, ctx) {
    const { text, tokens, headers } = await client.complete(prompt, { signal: ctx.signal });
    ctx.observe(headers); // what the answer says about limits
    return { text, tokens };
  },
  concurrency: { max: 20 },
  timeout: 120_000,
  retry: { maxAttempts: 5, baseDelay: 100 },
  halt: { when: (error) => (error as { status?: number }).status === 401 }, // an expired key: do not go on
});

await using hub = await createTaskHub({ dbPath: dataFile('llm-overnight.db') });
const task = await hub.createTask(summarize);
const summary = await task.start();
if (isTaskHubError(summary.halted)) console.log(`halted: ${summary.halted.message}`);

let tokens = 0;
for await (const { output } of task.results({ status: 'completed' })) tokens += output.tokens;
console.log(`${summary.completed} of ${summary.total} answered, ${summary.failed} failed, ${tokens} tokens`);
const { requests, refused, error } = api.stats();
console.log(`this run: ${requests} calls, ${refused} refused, ${error} errors`);
await api.close();
