// Draws docs/images/cost-per-job.svg from answers of `pnpm bench cost-by-size --json`, one file for each runtime:
//   pnpm -s bench cost-by-size --json > node.json && node scripts/plot-cost.mjs node.json
import { readFileSync, writeFileSync } from 'node:fs';

const COLORS = ['#2563eb', '#059669', '#d97706'];
const [left, top, width, height] = [52, 40, 640, 240];
const bottom = top + height;

const series = process.argv.slice(2).map((file) => {
  const { runtime, cases } = JSON.parse(readFileSync(file, 'utf8').trim().split('\n').at(-1));
  const points = Object.values(cases).map(({ jobs, cpuMicrosPerJob, createCpuMicrosPerJob }) => ({
    jobs: jobs.median,
    total: cpuMicrosPerJob.median,
    create: createCpuMicrosPerJob.median,
  }));
  return { runtime, points: points.sort((a, b) => a.jobs - b.jobs) };
});
if (series.length === 0) throw new Error('Name the files: node scripts/plot-cost.mjs FILE.json ...');

const all = series.flatMap(({ points }) => points);
const [fewest, most] = [Math.min(...all.map(({ jobs }) => jobs)), Math.max(...all.map(({ jobs }) => jobs))];
const highest = Math.ceil(Math.max(...all.map(({ total }) => total)) / 20) * 20;
const x = (jobs) => (left + (Math.log(jobs / fewest) / Math.log(most / fewest || Math.E)) * width).toFixed(1);
const y = (micros) => (bottom - (micros / highest) * height).toFixed(1);
const text = (at, words, more = '') => `<text x="${at[0]}" y="${at[1]}" ${more}>${words}</text>`;
const line = (points, of, more) =>
  `<path d="M${points.map((point) => `${x(point.jobs)},${y(of(point))}`).join('L')}" fill="none" ${more}/>`;

const grid = Array.from({ length: 5 }, (_, at) => (highest / 4) * at).map(
  (micros) =>
    `<path d="M${left},${y(micros)}h${width}" stroke="#e5e7eb"/>` +
    text([left - 6, Number(y(micros)) + 4], String(micros), 'text-anchor="end"'),
);
const marks = series[0].points.map(({ jobs }) =>
  text([x(jobs), bottom + 18], jobs.toLocaleString('en-US'), 'text-anchor="middle"'),
);
const lines = series.flatMap(({ runtime, points }, at) => {
  const color = COLORS[at % COLORS.length];
  return [
    line(points, ({ total }) => total, `stroke="${color}" stroke-width="2"`),
    line(points, ({ create }) => create, `stroke="${color}" stroke-dasharray="4 3"`),
    ...points.map((point) => `<circle cx="${x(point.jobs)}" cy="${y(point.total)}" r="3" fill="${color}"/>`),
    text([left + width - 6, top + 16 + at * 16], runtime, `text-anchor="end" fill="${color}"`),
  ];
});
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 40} ${bottom + 44}" font-family="system-ui, sans-serif" font-size="12" fill="#374151">
<title>CPU per job against the number of jobs</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${text([left, 22], 'µs of CPU per job, from createTask() to the end of start(); dashed: createTask()', 'font-size="14" font-weight="600"')}
${grid.join('\n')}
${lines.join('\n')}
${marks.join('')}
${text([left + width / 2, bottom + 38], 'jobs', 'text-anchor="middle"')}
</svg>
`;
const file = new URL('../docs/images/cost-per-job.svg', import.meta.url);
writeFileSync(file, svg);
console.log(
  `${file.pathname}: ${series.map(({ runtime, points }) => `${runtime}, ${points.length} sizes`).join('; ')}`,
);
