// Before each test file: a run that fell back to Node would prove nothing about Bun.
import process from 'node:process';

if (process.versions.bun === undefined) throw new Error('these tests must run inside Bun: pnpm test');
