// The page's end of its worker: starts it, sends calls, and notices when it does not load or dies.
import { systemClock, TaskHubError } from '@taskhub/core';
import { type Outcome, openOutcome, type PageCall, READY } from './messages.js';

/** ms that the script of the worker may take to load. */
export const LOAD_PATIENCE = 5_000;

// Not in one expression with `new URL`: bundlers would take it for a file of its own, beside the worker.
const HERE = import.meta.url;

/** A worker whose script has run. */
export class WorkerLink {
  readonly #worker: Worker;
  readonly #calls = new Map<number, (outcome: Outcome | TaskHubError) => void>();
  #nextId = 1;
  #end: TaskHubError | undefined;

  private constructor(worker: Worker, url: string) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<{ id: number; outcome: Outcome }>) => {
      this.#calls.get(data.id)?.(data.outcome);
      this.#calls.delete(data.id);
    };
    worker.onerror = (event) => {
      event.preventDefault(); // It is reported here; nothing is printed.
      this.end(diedError(url, event.message));
    };
  }

  /**
   * Starts the worker.
   *
   * @param workerUrl - of its script; undefined = beside this file, where a bundler has put it
   * @throws TaskHubError STORAGE_UNAVAILABLE with the URL when the script has not run within 5 s
   */
  static async start(workerUrl: string | URL | undefined): Promise<WorkerLink> {
    let url = String(workerUrl ?? './worker.js');
    let worker: Worker | undefined;
    try {
      if (workerUrl === undefined) url = new URL(url, HERE).href;
      // Written out in full: this is what bundlers look for.
      worker =
        workerUrl === undefined
          ? new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'taskhub' })
          : new Worker(workerUrl, { type: 'module', name: 'taskhub' });
      await loaded(worker);
      return new WorkerLink(worker, url);
    } catch (error) {
      worker?.terminate();
      throw loadError(url, error);
    }
  }

  /** Sends a call and waits for what it comes to. */
  async call(message: Omit<PageCall, 'id'>): Promise<unknown> {
    if (this.#end !== undefined) throw this.#end;
    const id = this.#nextId++;
    this.#worker.postMessage({ id, ...message });
    const outcome = await new Promise<Outcome | TaskHubError>((resolve) => this.#calls.set(id, resolve));
    if (outcome instanceof TaskHubError) throw outcome;
    return openOutcome(outcome);
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** Ends the worker at once; calls that wait, and later ones, reject with `reason`. */
  end(reason: TaskHubError): void {
    this.#end ??= reason;
    this.#worker.terminate();
    for (const settle of this.#calls.values()) settle(this.#end);
    this.#calls.clear();
  }
}

function loaded(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = systemClock.setTimeout(
      () => reject(new Error(`it did not answer within ${LOAD_PATIENCE / 1000} s`)),
      LOAD_PATIENCE,
    );
    const settle = (end: () => void) => {
      systemClock.clearTimeout(timer);
      end();
    };
    worker.onmessage = ({ data }) => {
      if (data === READY) settle(resolve);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      // Browsers do not tell a page why a script was not loaded.
      settle(() => reject(new Error(event.message ?? 'it was not found, or is no script of this origin')));
    };
  });
}

function loadError(url: string, cause: unknown): TaskHubError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new TaskHubError(
    'STORAGE_UNAVAILABLE',
    `The worker of the OPFS storage cannot be loaded from ${url}: ${said}. ` +
      'Serve the file worker.js of @taskhub/storage-opfs and pass its address as workerUrl.',
    { details: { url }, cause },
  );
}

function diedError(url: string, message: string): TaskHubError {
  return new TaskHubError(
    'STORAGE_FAILED',
    `The worker of the OPFS storage (${url}) has failed: ${message}. What was recorded is kept; create a new hub.`,
    { details: { url } },
  );
}
