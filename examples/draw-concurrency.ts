// Draws docs/images/concurrency.svg from a real run: a service whose limit falls and rises again under a batch.
import { writeFileSync } from 'node:fs';
import { createTaskHub, defineTask } from '@shelchin/taskhub';
import { startLimitedApi } from './limited-api.ts';

const SECONDS = 45;
const limitAt = (second: number): number => (second < 15 || second >= 30 ? 120 : 50);
const api = await startLimitedApi({ rps: limitAt(0), latency: { median: 80, spread: 0.5 } });

const calls = defineTask({
  name: 'drawn',
  getData: () => Array.from({ length: 200 * SECONDS }, (_, i) => i),
  handler: async (record: number, ctx) => void (await ctx.fetch(`${api.url}/records/${record}`)),
});
const hub = await createTaskHub({ storage: 'memory' });
const task = await hub.createTask(calls);
void task.start();

interface Sample {
  at: number;
  concurrency: number;
  taken: number;
  refused: number;
}
const samples: Sample[] = [];
const begin = performance.now();
let limit = limitAt(0);
await new Promise<void>((resolve) => {
  const timer = setInterval(() => {
    const at = (performance.now() - begin) / 1000;
    const { answered, inFlight, refused } = api.stats();
    samples.push({ at, concurrency: task.currentConcurrency, taken: answered + inFlight, refused });
    if (limitAt(at) !== limit) {
      limit = limitAt(at);
      api.limit(limit);
    }
    if (at < SECONDS) return;
    clearInterval(timer);
    resolve();
  }, 100);
});
await hub.close();
await api.close();

// --- the picture ---------------------------------------------------------------------------------------------------

const [left, width, top, height] = [48, 700, 40, 150];
const bottom = top + height + 40;
const most = Math.max(...samples.map(({ concurrency }) => concurrency), 20);
const x = (second: number): string => (left + (second / SECONDS) * width).toFixed(1);
const y = (concurrency: number): string => (top + height - (concurrency / most) * height).toFixed(1);
const yRate = (rate: number): string => (bottom + 90 - (Math.min(rate, 180) / 180) * 90).toFixed(1);
const path = (points: string[]): string => `M${points.join('L')}`;

/** Calls taken per second, over the two seconds before each sample. */
const rates = samples.map((sample) => {
  const before = samples.findLast(({ at }) => at <= sample.at - 2) ?? samples[0] ?? sample;
  return { at: sample.at, rate: (sample.taken - before.taken) / Math.max(sample.at - before.at, 0.1) };
});
const refusals = samples.filter(({ refused }, i) => refused > (samples[i - 1]?.refused ?? 0));
const steps = samples.flatMap(({ at, concurrency }, i) => [
  `${x(at)},${y(samples[i - 1]?.concurrency ?? concurrency)}`,
  `${x(at)},${y(concurrency)}`,
]);
const limits = [0, 15, 15, 30, 30, SECONDS].map(
  (second, i) => `${x(second)},${yRate(limitAt(i % 2 === 0 ? second : second - 1))}`,
);
const text = (at: [string | number, string | number], words: string, more = ''): string =>
  `<text x="${at[0]}" y="${at[1]}" ${more}>${words}</text>`;
const axis = [0, 15, 30, 45].map((second) =>
  text([x(second), bottom + 108], `${second} s`, 'text-anchor="middle"'),
);
const marks = [10, 20, 30, 40, 50]
  .filter((mark) => mark <= most)
  .map(
    (mark) =>
      `<path d="M${left},${y(mark)}h${width}" stroke="#e5e7eb"/>` +
      text([left - 6, Number(y(mark)) + 4], String(mark), 'text-anchor="end"'),
  );

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 20} ${bottom + 120}" font-family="system-ui, sans-serif" font-size="12" fill="#374151">
<title>The concurrency of a run against a service whose limit falls and rises again</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${marks.join('\n')}
${text([left, 22], 'Jobs that are admitted at once', 'font-size="14" font-weight="600"')}
<path d="${path(steps)}" fill="none" stroke="#2563eb" stroke-width="1.5"/>
${refusals.map(({ at }) => `<path d="M${x(at)},${top + height + 3}v8" stroke="#dc2626" stroke-width="1.5"/>`).join('')}
${text([left + width, 22], 'red: the service refused (429) and said when to come back', 'text-anchor="end" fill="#dc2626"')}
${text([left, bottom - 8], 'Calls per second that the service took, and its limit', 'font-size="14" font-weight="600"')}
<path d="M${left},${bottom + 90}h${width}" stroke="#9ca3af"/>
<path d="${path(limits)}" fill="none" stroke="#9ca3af" stroke-dasharray="4 3"/>
${[50, 120].map((rate) => text([left - 6, Number(yRate(rate)) + 4], String(rate), 'text-anchor="end"')).join('')}
<path d="${path(rates.map(({ at, rate }) => `${x(at)},${yRate(rate)}`))}" fill="none" stroke="#059669" stroke-width="1.5"/>
${axis.join('')}
</svg>
`;
const file = new URL('../docs/images/concurrency.svg', import.meta.url);
writeFileSync(file, svg);
console.log(`${file.pathname}: ${samples.length} samples, ${refusals.length} with refusals`);
