// A picture of one run, from `task.speed.samples`: what was sent, what was admitted, and when it was refused.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SpeedSample } from '@taskhub/core';
import type { Scenario } from '@taskhub/core/testing';

const WIDTH = 640;
const PANEL = 90;
const LEFT = 44;
const TOP = 36;
const GAP = 26;
/** More points than pixels say nothing. */
const MOST_POINTS = 160;

const COLOURS = {
  rate: '#2563eb',
  pace: '#9333ea',
  inFlight: '#0d9488',
  limit: '#f59e0b',
  refused: '#dc2626',
};

interface Panel {
  top: number;
  /** The largest value, at the top of the panel. */
  most: number;
}

/** Writes `id.svg` into the folder. */
export function writePlot(
  folder: string,
  scenario: Scenario,
  clients: readonly (readonly SpeedSample[])[],
): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${scenario.id}.svg`), plot(scenario, clients));
}

function plot({ id, note }: Scenario, clients: readonly (readonly SpeedSample[])[]): string {
  const histories = clients.map(thinned);
  const all = histories.flat();
  const end = Math.max(1000, ...all.map(({ time }) => time));
  const x = (time: number): number => LEFT + ((WIDTH - LEFT - 8) * time) / end;
  const most = (value: (sample: SpeedSample) => number): number => Math.max(1, ...all.map(value));

  const rates: Panel = { top: TOP, most: most(({ rate, pace }) => Math.max(rate, pace ?? 0)) };
  const levels: Panel = {
    top: TOP + PANEL + GAP,
    most: most(({ limit, inFlight }) => Math.max(limit, inFlight)),
  };
  const line = (panel: Panel, colour: string, value: (sample: SpeedSample) => number | null): string =>
    histories.map((samples) => path(samples, x, panel, value, colour)).join('');

  const bottom = levels.top + PANEL;
  const mostRefused = most(({ refusals }) => refusals);
  const refusals = all
    .filter(({ refusals }) => refusals > 0)
    .map(
      ({ time, refusals }) => `M${px(x(time))} ${bottom}v-${px(6 + (PANEL - 20) * (refusals / mostRefused))}`,
    )
    .join('');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 22}" font-family="sans-serif" font-size="11">`,
    `<title>${escaped(id)}: ${escaped(note ?? 'rate, limit, calls in flight and refusals over time')}</title>`,
    `<rect width="100%" height="100%" fill="#fff"/><text x="${LEFT}" y="16"><tspan font-weight="bold">${escaped(id)}</tspan>  ${escaped(note ?? '')}</text>`,
    axis(rates, 'calls/s'),
    axis(levels, 'calls'),
    `<path d="${refusals}" stroke="${COLOURS.refused}" opacity=".5"/>`,
    line(rates, COLOURS.pace, ({ pace }) => pace),
    line(rates, COLOURS.rate, ({ rate }) => rate),
    line(levels, COLOURS.limit, ({ limit }) => limit),
    line(levels, COLOURS.inFlight, ({ inFlight }) => inFlight),
    legend(rates.top - 4, [
      ['settled', COLOURS.rate],
      ['pace', COLOURS.pace],
    ]),
    legend(levels.top - 4, [
      ['in flight', COLOURS.inFlight],
      ['limit', COLOURS.limit],
      [`refused (most: ${mostRefused} per sample)`, COLOURS.refused],
    ]),
    `<text x="${WIDTH - 8}" y="${bottom + 15}" text-anchor="end">${Math.round(end / 1000)} s</text><text x="${LEFT}" y="${bottom + 15}">0</text>`,
    '</svg>\n',
  ].join('\n');
}

/** Of neighbouring samples one is kept, with the refusals of all. */
function thinned(samples: readonly SpeedSample[]): SpeedSample[] {
  const every = Math.ceil(samples.length / MOST_POINTS);
  return samples
    .map((sample, i) => ({
      ...sample,
      refusals: samples
        .slice(Math.max(0, i - every + 1), i + 1)
        .reduce((sum, { refusals }) => sum + refusals, 0),
    }))
    .filter((_, i) => i % every === every - 1 || i === 0);
}

/** A line that is broken where there is no value. */
function path(
  samples: readonly SpeedSample[],
  x: (time: number) => number,
  panel: Panel,
  value: (sample: SpeedSample) => number | null,
  colour: string,
): string {
  let d = '';
  let isOpen = false;
  for (const sample of samples) {
    const y = value(sample);
    if (y !== null)
      d += `${isOpen ? 'L' : 'M'}${px(x(sample.time))} ${px(panel.top + PANEL * (1 - y / panel.most))}`;
    isOpen = y !== null;
  }
  return `<path d="${d}" fill="none" stroke="${colour}" stroke-width="1.2"/>`;
}

function axis({ top, most }: Panel, unit: string): string {
  return (
    `<path d="M${LEFT} ${top}V${top + PANEL}H${WIDTH - 8}" fill="none" stroke="#999"/>` +
    `<text x="${LEFT - 4}" y="${top + 9}" text-anchor="end">${Number(most.toPrecision(3))}</text>` +
    `<text x="${LEFT - 4}" y="${top + PANEL}" text-anchor="end">0</text>` +
    `<text x="${LEFT - 4}" y="${top + PANEL / 2}" text-anchor="end" fill="#666">${unit}</text>`
  );
}

function legend(y: number, entries: readonly (readonly [string, string])[]): string {
  const words = entries.map(([word, colour]) => `<tspan fill="${colour}">${word}</tspan>`).join('  ');
  return `<text x="${WIDTH - 8}" y="${y}" text-anchor="end">${words}</text>`;
}

const px = (n: number): number => Number(n.toFixed(1));
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
