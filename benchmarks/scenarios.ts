// How near does the controller come to a client that knows everything, and at what price?
// `pnpm scenarios [--file scenarios.json] [--only ids] [--seeds 3] [--from 1] [--json] [--compare] [--plot folder]`
//
// Each row is a batch against a simulated server, run by the real engine in virtual time; equal seeds give equal rows.
//
//   time      makespan against that of the client that knows everything
//   refused   share of the calls that the server refused
//   failed    jobs that ended failed (the most of all seeds)
//   fair      Jain's index, where several clients share the server
//
// Medians over the seeds. Targets are shown where packages/core/test/scenarios/targets.json has the id.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Scenario, ScenarioFile } from '@taskhub/core/testing';
import { comparison, comparisonTable, othersOf } from './scenarios/compare.ts';
import { writePlot } from './scenarios/plot.ts';
import { runAll } from './scenarios/pool.ts';
import { rowOf, type Target, table } from './scenarios/table.ts';
import type { Order, Outcome } from './scenarios/worker.ts';

const inCore = (name: string): string =>
  fileURLToPath(new URL(`../packages/core/test/scenarios/${name}`, import.meta.url));

const { values } = parseArgs({
  options: {
    file: { type: 'string', default: inCore('scenarios.json') },
    only: { type: 'string' },
    seeds: { type: 'string', default: '3' },
    from: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    compare: { type: 'boolean', default: false },
    plot: { type: 'string' },
  },
});

/** A path is meant from where pnpm was called. */
const here = (path: string): string => resolve(process.env.INIT_CWD ?? '.', path);

function wholeNumber(name: 'seeds' | 'from', least: number): number {
  const number = Number(values[name]);
  if (Number.isSafeInteger(number) && number >= least) return number;
  return fail(`--${name} must be a whole number from ${least} on, not ${values[name]}.`);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

function readScenarios(): Scenario[] {
  const path = here(values.file);
  const { scenarios } = JSON.parse(readFileSync(path, 'utf8')) as Partial<ScenarioFile>;
  if (!Array.isArray(scenarios)) return fail(`${path} has no list "scenarios".`);
  if (values.only === undefined) return scenarios;
  const ids = values.only.split(',');
  const unknown = ids.filter((id) => !scenarios.some((scenario) => scenario.id === id));
  if (unknown.length > 0)
    return fail(
      `No such scenario: ${unknown.join(', ')}. There are ${scenarios.map(({ id }) => id).join(', ')}.`,
    );
  return scenarios.filter(({ id }) => ids.includes(id));
}

const scenarios = readScenarios();
const targets = JSON.parse(readFileSync(inCore('targets.json'), 'utf8')) as Record<string, Target>;
const from = wholeNumber('from', 0);
const seeds = Array.from({ length: wholeNumber('seeds', 1) }, (_, i) => from + i);

const orders = scenarios.flatMap((scenario) => [
  ...seeds.map((seed): Order => ({ scenario, seed, policy: 'adaptive' })),
  ...(values.compare ? othersOf(scenario, seeds) : []),
]);
let count = 0;
const isTerminal = process.stderr.isTTY;
const outcomes = await runAll(orders, ({ scenario, policy }) => {
  count += 1;
  if (isTerminal) process.stderr.write(`\r\x1b[K${count} of ${orders.length}: ${scenario.id} ${policy}`);
});
if (isTerminal) process.stderr.write('\r\x1b[K');

const results = scenarios.map((scenario) => {
  const runs = orders.flatMap((order, i) =>
    order.scenario === scenario ? [{ ...order, outcome: outcomes[i] as Outcome }] : [],
  );
  const own = runs.filter(({ policy }) => policy === 'adaptive').map(({ outcome }) => outcome);
  return { scenario, runs, own, row: rowOf(scenario.id, own) };
});

if (values.plot !== undefined)
  for (const { scenario, own } of results) writePlot(here(values.plot), scenario, own[0]?.clients ?? []);

if (values.json) {
  const others = values.compare ? results.map(({ runs }) => ({ compare: comparison(runs) })) : [];
  console.log(JSON.stringify(results.map(({ row }, i) => ({ ...row, ...others[i] }))));
} else {
  console.log(
    table(
      results.map(({ row }) => row),
      targets,
    ),
  );
  console.log(`median of seeds ${seeds.join(', ')}`);
  if (values.compare) console.log(`\n${comparisonTable(results)}`);
}
