// What a handler is told about its attempt. Built for every attempt, so what few handlers ask for is made on demand.
import { limitsFromHeaders } from './hints.js';
import { HttpError } from './http.js';
import { idempotencyKey } from './identity.js';
import { idOf } from './ingest.js';
import type { Quota } from './limit/controller.js';
import type { Ports } from './ports.js';
import type { ClaimedJob } from './storage/contract.js';
import type { HeadersLike, JobContext, ResponseLike } from './types.js';

/** What a context needs of the run it belongs to. */
export interface ContextHost {
  taskId: string;
  ports: Ports;
  /** @param sends - calls that had been sent when the one was that got this answer */
  observed(quota: Quota, sends: number): void;
}

export class HandlerContext implements JobContext {
  readonly #host: ContextHost;
  readonly #job: ClaimedJob;
  readonly #sends: number;
  #controller: AbortController | undefined;

  constructor(host: ContextHost, job: ClaimedJob, sends: number) {
    this.#host = host;
    this.#job = job;
    this.#sends = sends;
  }

  get jobId(): string {
    return idOf(this.#job);
  }

  get attempt(): number {
    return this.#job.attempts;
  }

  get taskId(): string {
    return this.#host.taskId;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** Aborts the signal, also one that the handler asks for only later. */
  abort(reason: Error): void {
    this.#controller ??= new AbortController();
    this.#controller.abort(reason);
  }

  get idempotencyKey(): string {
    return idempotencyKey(this.taskId, this.jobId);
  }

  // An arrow function, so that `const { fetch } = ctx` works; a getter, so that it costs nothing unless used.
  get fetch(): typeof globalThis.fetch {
    return async (url, init) => {
      const signal = init?.signal ? AbortSignal.any([init.signal, this.signal]) : this.signal;
      const response = await this.#host.ports.fetch(url, { ...init, signal });
      this.observe(response);
      if (!response.ok) throw await HttpError.from(response);
      return response;
    };
  }

  observe(answer: HeadersLike | ResponseLike): void {
    const headers = isResponse(answer) ? answer.headers : answer;
    const { remaining, reset } = limitsFromHeaders(headers, this.#host.ports.clock.now());
    if (remaining !== undefined && reset !== undefined)
      this.#host.observed({ remaining, reset }, this.#sends);
  }
}

function isResponse(answer: HeadersLike | ResponseLike): answer is ResponseLike {
  return 'headers' in answer && typeof answer.headers === 'object' && typeof answer.status === 'number';
}
