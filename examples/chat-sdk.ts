// A stand-in for the SDK of a model provider. Like most of them it retries by itself, unless it is told not to.
import { setTimeout as sleep } from 'node:timers/promises';

export interface Completion {
  text: string;
  tokens: number;
  headers: Headers;
}

export class ChatClient {
  readonly #baseURL: string;
  readonly #maxRetries: number;

  constructor({ baseURL, maxRetries = 2 }: { baseURL: string; maxRetries?: number }) {
    this.#baseURL = baseURL;
    this.#maxRetries = maxRetries;
  }

  async complete(prompt: string, options: { signal?: AbortSignal } = {}): Promise<Completion> {
    for (let retry = 0; ; retry++) {
      const response = await fetch(`${this.#baseURL}/chat/${encodeURIComponent(prompt)}`, options);
      const { status, headers } = response;
      if (response.ok) return { ...((await response.json()) as { text: string; tokens: number }), headers };
      await response.body?.cancel();
      // The errors of SDKs carry status and headers: TaskHub reads both.
      if (retry >= this.#maxRetries) throw Object.assign(new Error(`${status}`), { status, headers });
      await sleep(500 * 2 ** retry, undefined, options);
    }
  }
}
