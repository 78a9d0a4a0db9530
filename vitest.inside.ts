// Before each test file that must run inside a certain runtime: what fell back to Node would prove nothing.
import process from 'node:process';

const { TASKHUB_RUNTIME: wanted = '' } = process.env;
const { bun, deno, node } = process.versions;
const actual = bun !== undefined ? 'bun' : deno !== undefined ? 'deno' : `node${Number.parseInt(node, 10)}`;
if (actual !== wanted) throw new Error(`these tests must run inside ${wanted}, not ${actual}`);
