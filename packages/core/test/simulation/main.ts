// pnpm simulate [--seed S] [--runs N] [--json]: runs simulations; one that is named by its seed shows its log.
// pnpm simulate --mutants [--runs N] [--json]: plants faults into the engine, each of which must be found.
import { parseArgs } from 'node:util';
import { huntAll } from './mutate.js';
import { simulate } from './simulate.js';

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== '--'),
  options: {
    seed: { type: 'string' },
    runs: { type: 'string' },
    json: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    'until-failed': { type: 'boolean', default: false },
  },
});
const say = (text: string): void => {
  if (!values.json) console.log(text);
};

/** @returns whether all went well */
async function simulations(first: number, runs: number): Promise<boolean> {
  const began = performance.now();
  const failed: { seed: number; problems: string[] }[] = [];
  const sums = { runs: 0, jobs: 0, deaths: 0 };
  for (let seed = first; seed < first + runs; seed += 1) {
    const { log, problems, jobs, deaths } = await simulate(seed);
    sums.runs += 1;
    if (values['until-failed']) process.stderr.write('.'); // a sign of life
    sums.jobs += jobs;
    sums.deaths += deaths;
    if (runs === 1) say(log.join('\n'));
    if (problems.length === 0) continue;
    failed.push({ seed, problems: problems.slice(0, 5) });
    say(`seed ${seed}: ${problems[0]}`);
    if (values['until-failed']) break;
  }
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  if (values.json) console.log(JSON.stringify({ first, ...sums, failed, seconds }));
  say(
    `${sums.runs} simulations, ${sums.jobs} jobs, ${sums.deaths} deaths, ${failed.length} failed, ${seconds} s`,
  );
  return failed.length === 0;
}

async function mutants(runs: number): Promise<boolean> {
  const verdicts = await huntAll(runs, ({ name, killed, by }) =>
    say(`${killed ? 'killed' : 'ALIVE '} ${name}   ${by}`),
  );
  if (values.json) console.log(JSON.stringify(verdicts, null, 2));
  const alive = verdicts.filter(({ killed }) => !killed).length;
  say(`${verdicts.length} mutants, ${alive} alive`);
  return alive === 0;
}

const given = values.runs === undefined ? undefined : Number(values.runs);
const isWell = values.mutants
  ? await mutants(given ?? 2000)
  : await simulations(Number(values.seed ?? 1), given ?? (values.seed === undefined ? 2000 : 1));
process.exitCode = isWell ? 0 : 1;
