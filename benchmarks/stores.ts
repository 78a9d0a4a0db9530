// How many jobs per second do the stores of browsers claim and settle, in groups of 100?
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, type Case, type Figures } from './lib/measure.ts';

const GROUP = 100;
const CHROMIUM = process.env.TASKHUB_CHROMIUM ?? '/usr/bin/chromium';
// From the compiled copy of this file as well: both lie two folders below `benchmarks`, or in it.
const root = fileURLToPath(import.meta.url).replace(/benchmarks[\\/].*$/, '');
const ORIGIN = 'https://taskhub.example';

interface Sizes extends Figures {
  jobs: number;
}

/** In the page; see lib/stores-in-page.ts. */
declare function measureStore(
  storage: 'opfs' | 'indexeddb',
  durability: 'relaxed' | 'strict',
  jobs: number,
  group: number,
): Promise<Figures>;

async function pageScript(): Promise<string> {
  const { build } = await import('esbuild');
  const entryPoints = [join(root, 'benchmarks', 'lib', 'stores-in-page.ts')];
  const { outputFiles } = await build({ entryPoints, bundle: true, format: 'esm', write: false });
  return outputFiles[0]?.text ?? '';
}

async function inChromium(...args: Parameters<typeof measureStore>): Promise<Figures> {
  const { chromium } = await import('playwright-core');
  const opfs = (name: string): Buffer => readFileSync(join(root, 'packages/storage-opfs/dist', name));
  const files: Record<string, { contentType: string; body: string | Buffer }> = {
    '/': { contentType: 'text/html', body: '<!doctype html><script type="module" src="/page.js"></script>' },
    '/page.js': { contentType: 'text/javascript', body: await pageScript() },
    '/worker.js': { contentType: 'text/javascript', body: opfs('worker.js') },
    '/sqlite3.wasm': { contentType: 'application/wasm', body: opfs('sqlite3.wasm') },
  };
  const profile = mkdtempSync(join(tmpdir(), 'taskhub-bench-profile-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: ['--no-sandbox'],
    headless: true,
  });
  try {
    await browser.route(`${ORIGIN}/**`, (route) =>
      route.fulfill(files[new URL(route.request().url()).pathname] ?? { status: 404 }),
    );
    const page = await browser.newPage();
    await page.goto(`${ORIGIN}/`);
    return await page.evaluate((given) => measureStore(...given), args);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

const store = (storage: 'opfs' | 'indexeddb', durability: 'relaxed' | 'strict'): Case<Sizes> => ({
  missing: () =>
    existsSync(CHROMIUM)
      ? undefined
      : `there is no Chromium at ${CHROMIUM}; set TASKHUB_CHROMIUM to the path of yours`,
  run: ({ jobs }) => inChromium(storage, durability, jobs, GROUP),
});

await ask<Sizes>(import.meta.url, {
  question: 'How many jobs per second do the stores of browsers claim and settle, in groups of 100?',
  sizes: { jobs: 20_000 },
  quick: { jobs: 1_000 },
  runs: 5,
  cases: {
    opfs: store('opfs', 'relaxed'),
    indexeddb: store('indexeddb', 'relaxed'),
    'opfs, strict': store('opfs', 'strict'),
    'indexeddb, strict': store('indexeddb', 'strict'),
  },
  targets: [
    { name: 'OPFS, jobs per second', value: (of) => of('opfs', 'jobsPerSecond'), atLeast: 20_000 },
    { name: 'IndexedDB, jobs per second', value: (of) => of('indexeddb', 'jobsPerSecond'), atLeast: 5_000 },
  ],
});
