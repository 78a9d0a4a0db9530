// What a tab shows: one plain object, made by the tab that runs the batch, and sent to those that watch.

/** What can be asked of the batch, by a button of any tab. */
export type Command = 'start' | 'pause' | 'stop' | 'retry' | 'reset' | 'again' | { limit: number };

/** One moment of a run, for the chart. */
export interface Sample {
  /** ms since 1970. */
  at: number;
  /** Answers per second, over the last seconds. */
  rate: number;
  /** Calls at once that the controller admits. */
  concurrency: number;
}

/** A call that went wrong. */
export interface Trouble {
  at: number;
  city: string;
  message: string;
  /** Whether it will be tried again. */
  again: boolean;
}

export type Phase = 'opening' | 'empty' | 'loading' | 'running' | 'paused' | 'finished' | 'halted' | 'broken';

export interface BatchState {
  phase: Phase;
  /** Why it is `halted` or `broken`, in words. */
  problem: string | null;
  total: number;
  completed: number;
  failed: number;
  concurrency: number;
  /** Why the speed is what it is, in words. */
  reason: string;
  rate: number;
  /** ms, as far as it can be told. */
  remaining: number | null;
  refused: number;
  samples: Sample[];
  /** Newest first. */
  troubles: Trouble[];
  /** Where it is stored, and why there. */
  storage: { name: string; persistent: boolean; reason: string } | null;
  /** Calls per second that the service lets through. */
  limit: number;
}

export const OPENING: BatchState = {
  phase: 'opening',
  problem: null,
  total: 0,
  completed: 0,
  failed: 0,
  concurrency: 0,
  reason: '',
  rate: 0,
  remaining: null,
  refused: 0,
  samples: [],
  troubles: [],
  storage: null,
  limit: 0,
};
