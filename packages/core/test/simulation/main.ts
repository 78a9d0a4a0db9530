// pnpm simulate [--seed S] [--runs N] [--json]: runs simulations; one that is named by its seed shows its log.
import { parseArgs } from 'node:util';
import { simulate } from './simulate.js';

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== '--'),
  options: {
    seed: { type: 'string' },
    runs: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed ?? 1);
const runs = Number(values.runs ?? (values.seed === undefined ? 2000 : 1));
const began = performance.now();
let deaths = 0;
let jobs = 0;
const failed: { seed: number; problems: string[] }[] = [];
for (let seed = first; seed < first + runs; seed += 1) {
  const outcome = await simulate(seed);
  deaths += outcome.deaths;
  jobs += outcome.jobs;
  if (runs === 1 && !values.json) console.log(outcome.log.join('\n'));
  if (outcome.problems.length === 0) continue;
  failed.push({ seed, problems: outcome.problems.slice(0, 5) });
  if (!values.json) console.log(`seed ${seed}: ${outcome.problems[0]}`);
}
const seconds = Math.round((performance.now() - began) / 100) / 10;
if (values.json) console.log(JSON.stringify({ first, runs, jobs, deaths, failed, seconds }));
else
  console.log(`${runs} simulations, ${jobs} jobs, ${deaths} deaths, ${failed.length} failed, ${seconds} s`);
process.exitCode = failed.length > 0 ? 1 : 0;
