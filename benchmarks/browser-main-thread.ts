// Does a run make a page stutter? 10,000 jobs in Chromium, created and run on each store of browsers: what the browser
// itself calls a long task of the main thread, one of more than 50 ms (PerformanceObserver, `longtask`).
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join } from 'node:path';
import { ask, type Figures } from './lib/measure.ts';

const executablePath = process.env.TASKHUB_CHROMIUM ?? '/usr/bin/chromium';
const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm' };

declare function run(storage: string, jobs: number): Promise<Figures>;

/** Runs in the page, which knows the packages by an import map. */
const PAGE_SCRIPT = `
import { createTaskHub, defineTask } from '@shelchin/taskhub/browser';
globalThis.run = async (storage, jobs) => {
  const tasks = [];
  const note = (list) => tasks.push(...list.getEntries().map((entry) => entry.duration));
  const observer = new PerformanceObserver(note);
  const hub = await createTaskHub({ storage });
  const inputs = Array.from({ length: jobs }, (_, id) => ({ id, url: 'https://api.example.com/v1/records/' + id }));
  observer.observe({ type: 'longtask' });
  // Whether it would see one.
  await new Promise((resolve) => setTimeout(resolve, 0));
  for (const end = performance.now() + 80; performance.now() < end; );
  await new Promise((resolve) => setTimeout(resolve, 200));
  note({ getEntries: () => observer.takeRecords() });
  if (tasks.length === 0) throw new Error('this browser reports no long tasks');
  tasks.length = 0;
  const begin = performance.now();
  const task = await hub.createTask(defineTask({
    name: 'page', concurrency: { max: 50, initial: 50 }, handler: () => undefined,
  }), { inputs });
  const { completed } = await task.start();
  const wallMs = performance.now() - begin;
  if (completed !== jobs) throw new Error(completed + ' of ' + jobs + ' completed');
  await new Promise((resolve) => setTimeout(resolve, 200));
  note({ getEntries: () => observer.takeRecords() });
  await hub.close();
  return { longTasks: tasks.length, longestTaskMs: Math.max(0, ...tasks), jobsPerSecond: jobs / wallMs * 1000 };
};`;

async function inPage(storage: string, jobs: number): Promise<Figures> {
  const { chromium } = await import('playwright-core');
  const server = serve();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'], timeout: 60_000 });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.run !== undefined');
    return await page.evaluate(([name, count]) => run(name, count), [storage, jobs] as const);
  } finally {
    await browser.close();
    server.close();
  }
}

/** The built packages as they are, for a page without a bundler. */
function serve(): Server {
  const require = createRequire(import.meta.url);
  const taskhub = require.resolve('@shelchin/taskhub');
  const indexeddb = createRequire(taskhub).resolve('@taskhub/storage-indexeddb');
  const folders: Record<string, string> = {
    taskhub: dirname(taskhub),
    core: dirname(require.resolve('@taskhub/core')),
    indexeddb: dirname(indexeddb),
    opfs: dirname(createRequire(taskhub).resolve('@taskhub/storage-opfs')),
    idb: dirname(createRequire(indexeddb).resolve('idb')),
  };
  const imports = {
    '@shelchin/taskhub/browser': '/taskhub/browser.js',
    '@taskhub/core': '/core/index.js',
    '@taskhub/storage-indexeddb': '/indexeddb/index.js',
    '@taskhub/storage-opfs': '/opfs/index.js',
    idb: '/idb/index.js',
  };
  const html = `<!doctype html><link rel="icon" href="data:,"><script type="importmap">${JSON.stringify({ imports })}</script>
    <script type="module">${PAGE_SCRIPT}</script>`;
  return createServer(async (request, response) => {
    const [, name = '', file = ''] = /^\/(\w+)\/([\w.-]+)$/.exec(request.url ?? '') ?? [];
    const folder = folders[name];
    try {
      const body = folder === undefined ? html : await readFile(join(folder, file));
      response.setHeader(
        'content-type',
        folder === undefined ? 'text/html' : (TYPES[extname(file)] ?? 'text/plain'),
      );
      response.end(body);
    } catch {
      response.writeHead(404).end(); // Whoever asked finds out.
    }
  });
}

const missing = (): string | undefined =>
  existsSync(executablePath) ? undefined : `there is no Chromium at ${executablePath}: set TASKHUB_CHROMIUM`;

await ask(import.meta.url, {
  question: 'Does a run make a page stutter?',
  sizes: { jobs: 10_000 },
  quick: { jobs: 200 },
  runs: 3,
  cases: {
    opfs: { missing, run: ({ jobs }) => inPage('opfs', jobs) },
    indexeddb: { missing, run: ({ jobs }) => inPage('indexeddb', jobs) },
  },
  targets: ['opfs', 'indexeddb'].map((store) => ({
    name: `${store}: longest task above 50 ms, in ms (0 = none)`,
    value: (of) => of(store, 'longestTaskMs'),
    atMost: 50,
  })),
});
