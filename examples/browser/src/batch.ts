// The batch: everything that this page has to do with TaskHub.
import { defineTask, type Hub, type Job, type RunSummary, type Task } from '@shelchin/taskhub/browser';
import type { City, ServiceInfo } from '../service.ts';
import { type BatchState, type Command, OPENING, type Phase } from './state.ts';

interface Daylight {
  hours: number;
}

const SAMPLE_MS = 500;
/** The rate is taken over so many samples. */
const RATE_SAMPLES = 6;
const KEPT_SAMPLES = 1200;
const KEPT_TROUBLES = 6;

/** The task; `urls` tells where its service is. */
function daylight(urls: () => readonly string[]) {
  return defineTask<City, Daylight>({
    name: 'daylight',
    getData: async () => (await fetch('/service/cities')).json(),
    async handler({ id, lat }, ctx) {
      const response = await ctx.fetch(`${urls()[id % urls().length]}/daylight/${id}?lat=${lat}`);
      return (await response.json()) as Daylight;
    },
    retry: { maxAttempts: 2, baseDelay: 300 },
    halt: { failureRate: { rate: 0.8, of: 50 } },
  });
}

/** The batch in the tab that runs it. */
export class Batch {
  readonly #hub: Hub;
  readonly #changed: (state: BatchState) => void;
  #state: BatchState;
  readonly #definition = daylight(() => this.#service.urls);
  #service: ServiceInfo = { urls: [], rps: 0, cities: 0 };
  #task: Task<City, Daylight> | undefined;
  #sampler: ReturnType<typeof setInterval> | undefined;
  #settled: number[] = [];

  /** @param state - what was shown before, by this page or by the tab whose batch this one takes over */
  constructor(hub: Hub, state: Partial<BatchState>, changed: (state: BatchState) => void) {
    this.#hub = hub;
    this.#changed = changed;
    this.#state = { ...OPENING, ...state, storage: hub.storage, rate: 0 };
  }

  get state(): BatchState {
    return this.#state;
  }

  /** Looks for what an earlier page has left. A run that was under way goes on by itself. */
  async open(): Promise<void> {
    await this.#guarded(async () => {
      await this.#findService();
      const [meta] = await this.#hub.listTasks({ name: this.#definition.name });
      if (meta === undefined) return this.#show({ phase: 'empty', total: this.#service.cities });
      const task = await this.#hub.resumeTask<City, Daylight>(meta.id, this.#definition);
      if (task === null) return this.#show({ phase: 'empty', total: this.#service.cities });
      this.#watch(task);
      const isOver = meta.status === 'completed' || meta.status === 'failed';
      this.#show({ phase: isOver ? 'finished' : 'paused' });
      if (meta.status === 'running') this.#run(task);
    });
  }

  async do(command: Command): Promise<void> {
    await this.#guarded(() => {
      if (typeof command === 'object') return this.#findService(`/limit?rps=${command.limit}`);
      return this.#commands[command]();
    });
  }

  async #findService(change?: string): Promise<void> {
    const response = await fetch(`/service${change ?? ''}`, {
      method: change === undefined ? 'GET' : 'POST',
    });
    this.#service = (await response.json()) as ServiceInfo;
    this.#show({ limit: this.#service.rps });
  }

  readonly #commands: Record<Exclude<Command, object>, () => Promise<void>> = {
    start: async () => {
      await this.#findService();
      if (this.#task === undefined) {
        this.#show({ phase: 'loading' });
        this.#watch(await this.#hub.createTask(this.#definition));
      }
      if (this.#task !== undefined) this.#run(this.#task);
    },
    pause: async () => {
      this.#task?.pause();
      this.#show({ phase: 'paused', remaining: null });
    },
    stop: async () => {
      await this.#task?.stop();
    },
    retry: async () => {
      const task = this.#task;
      if (task !== undefined && (await task.retryFailed()) > 0) this.#run(task);
    },
    reset: async () => {
      const task = this.#task;
      this.#task = undefined;
      await task?.destroy();
      if (this.#sampler !== undefined) this.#endSampling();
      this.#show({ ...OPENING, storage: this.#hub.storage, total: this.#service.cities, phase: 'empty' });
    },
    again: async () => {
      await this.#commands.reset();
      await this.#commands.start();
    },
  };

  #watch(task: Task<City, Daylight>): void {
    this.#task = task;
    const { completedJobs: completed, failedJobs: failed, totalJobs: total } = task;
    this.#show({ total, completed, failed });
    task.on('progress', ({ total, completed, failed, concurrency, estimatedRemaining: remaining }) =>
      this.#show({ total, completed, failed, concurrency, remaining }),
    );
    task.on('job:retry', (job) => {
      if (job.failure?.status === 429) this.#show({ refused: this.#state.refused + 1 });
      else this.#trouble(job, true);
    });
    task.on('job:failed', (job) => this.#trouble(job, false));
  }

  #trouble({ input, error, failure }: Job<City, Daylight>, again: boolean): void {
    const message = failure?.status === undefined ? (error ?? '') : `The service answered ${failure.status}`;
    const trouble = { at: Date.now(), city: input.city, message, again };
    this.#show({ troubles: [trouble, ...this.#state.troubles].slice(0, KEPT_TROUBLES) });
  }

  /** Runs the task to its end; on a running one it changes nothing. */
  #run(task: Task<City, Daylight>): void {
    this.#show({ phase: 'running', problem: null });
    this.#sampler ??= setInterval(() => this.#sample(), SAMPLE_MS);
    void this.#guarded(async () => {
      const summary = await task.start();
      if (this.#task === task) this.#ended(summary);
    });
  }

  #ended({ status, completed, failed, total, halted }: RunSummary): void {
    this.#endSampling();
    const phase: Phase = halted !== undefined ? 'halted' : status === 'paused' ? 'paused' : 'finished';
    this.#show({ phase, completed, failed, total, problem: halted?.message ?? null });
  }

  #endSampling(): void {
    clearInterval(this.#sampler);
    this.#sampler = undefined;
    this.#settled = [];
    this.#show({ rate: 0, remaining: null });
  }

  #sample(): void {
    const { completed, failed, samples } = this.#state;
    const settled = [...this.#settled, completed + failed].slice(-RATE_SAMPLES - 1);
    this.#settled = settled;
    const seconds = ((settled.length - 1) * SAMPLE_MS) / 1000;
    const rate = seconds > 0 ? ((settled.at(-1) ?? 0) - (settled[0] ?? 0)) / seconds : 0;
    if (this.#state.phase === 'paused' && rate === 0) return this.#endSampling();
    const sample = { at: Date.now(), rate, concurrency: this.#task?.currentConcurrency ?? 0 };
    this.#show({
      rate,
      reason: this.#task?.speed.reason ?? '',
      samples: [...samples, sample].slice(-KEPT_SAMPLES),
    });
  }

  #show(part: Partial<BatchState>): void {
    this.#state = { ...this.#state, limit: this.#service.rps, ...part };
    this.#changed(this.#state);
  }

  async #guarded(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (this.#sampler !== undefined) this.#endSampling();
      this.#show({ phase: 'broken', problem: error instanceof Error ? error.message : String(error) });
    }
  }
}
