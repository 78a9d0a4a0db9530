// The chart of a run: answers per second and calls at once over time, and the limit of the service as a line.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Sample } from './state.ts';

const HEIGHT = 210;
/** Seconds that an empty chart spans. */
const LEAST_SPAN = 30;
/** Longer between two samples, and the line is broken: the page was closed, or the run paused. */
const GAP_MS = 2_000;

const clockTime = (seconds: number): string => new Date(seconds * 1000).toLocaleTimeString('en-GB');

/** The colour that the style sheet gives to a name, now. */
const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export class Chart {
  readonly #element: HTMLElement;
  #plot: uPlot | undefined;
  #data: uPlot.AlignedData = [[], [], [], []];
  #limit = 0;

  constructor(element: HTMLElement) {
    this.#element = element;
    new ResizeObserver(() => this.#plot?.setSize({ width: element.clientWidth, height: HEIGHT })).observe(
      element,
    );
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
    this.#draw();
  }

  show(samples: readonly Sample[], limit: number): void {
    const [at, rate, concurrency]: [number[], (number | null)[], (number | null)[]] = [[], [], []];
    for (const [i, sample] of samples.entries()) {
      const before = samples[i - 1];
      if (before !== undefined && sample.at - before.at > GAP_MS) {
        at.push((before.at + 1) / 1000);
        rate.push(null);
        concurrency.push(null);
      }
      at.push(sample.at / 1000);
      rate.push(sample.rate);
      concurrency.push(sample.concurrency);
    }
    this.#data = [at, rate, concurrency, at.map(() => limit || null)];
    this.#limit = limit;
    this.#plot?.setData(this.#data);
  }

  #draw(): void {
    this.#plot?.destroy();
    const axis = { stroke: colour('muted'), font: '12px system-ui, sans-serif', ticks: { show: false } };
    const grid = { stroke: colour('line'), width: 1 };
    const line = (name: string, width: number) => ({ stroke: colour(name), width, points: { show: false } });
    const options: uPlot.Options = {
      width: this.#element.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: {
          range: (_, from, to) => {
            const start = Number.isFinite(from) ? from : Date.now() / 1000;
            return [start, Math.max(Number.isFinite(to) ? to : start, start + LEAST_SPAN)];
          },
        },
        y: { range: (_, _least, most) => [0, Math.max(20, this.#limit * 1.15, (most || 0) * 1.15)] },
      },
      axes: [
        { ...axis, grid: { show: false }, size: 26, space: 90, values: (_, ticks) => ticks.map(clockTime) },
        { ...axis, grid, size: 36, space: 36 },
      ],
      series: [
        {},
        { ...line('rate', 2), fill: colour('rate-fill') },
        line('concurrency', 2),
        { ...line('muted', 1), dash: [4, 4] },
      ],
    };
    this.#plot = new uPlot(options, this.#data, this.#element);
  }
}
