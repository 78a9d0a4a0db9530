// The storage contract in a browser that no driver is needed for: it opens a page, and the page sends the results.
//
// npx tsx tabs/other-browser.ts indexeddb firefox-esr
// npx tsx tabs/other-browser.ts opfs /path/to/browser --some-flag
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { bundle, pageWith, typeOf } from './site.ts';
import type { SuiteReport } from './suite-in-page.ts';

/** ms for the whole suite: on OPFS every case opens a worker or two. */
const PATIENCE = 900_000;

const [store = 'indexeddb', command = 'firefox-esr', ...flags] = process.argv.slice(2);
if (store !== 'indexeddb' && store !== 'opfs') throw new Error('the store must be indexeddb or opfs');
const packageUrl = new URL(`../packages/storage-${store}/`, import.meta.url);
const files = new Map<string, string | Buffer>([
  ['/page.js', await bundle(new URL('test/suite-in-page.ts', packageUrl))],
]);
if (store === 'opfs') {
  for (const name of ['worker.js', 'sqlite3.wasm'])
    files.set(`/${name}`, readFileSync(new URL(`dist/${name}`, packageUrl)));
}
const profile = mkdtempSync(join(tmpdir(), 'taskhub-browser-'));
let resolveReport: (report: SuiteReport) => void = () => undefined;
const reported = new Promise<SuiteReport>((resolve) => {
  resolveReport = resolve;
});

const server = createServer((request, response) => {
  if (request.url !== '/report') {
    const { url = '/' } = request;
    const file = files.get(url);
    response.setHeader('content-type', file === undefined ? 'text/html' : typeOf(url));
    response.end(file ?? pageWith('/page.js'));
    return;
  }
  let body = '';
  request.on('data', (piece) => {
    body += piece;
  });
  request.on('end', () => {
    response.end();
    resolveReport(JSON.parse(body));
  });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo; // It listens on a port.

const firefox = basename(command).startsWith('firefox')
  ? ['--headless', '--no-remote', '--profile', profile]
  : [];
const browser = spawn(command, [...firefox, ...flags, `http://localhost:${port}/`], { stdio: 'ignore' });
const failed = new Promise<never>((_, reject) => {
  browser.on('error', reject);
  browser.on('exit', (code) => reject(new Error(`the browser ended (${code}) before it had sent anything`)));
  setTimeout(() => reject(new Error(`nothing was sent within ${PATIENCE / 1000} s`)), PATIENCE).unref();
});
try {
  const report = await Promise.race([reported, failed]);
  for (const { name, error } of report.failed) console.log(`FAILED ${name}\n  ${error}`);
  console.log(`${report.userAgent}\n${report.passed} passed, ${report.failed.length} failed`);
  process.exitCode = report.failed.length > 0 || report.passed === 0 ? 1 : 0;
} finally {
  browser.removeAllListeners('exit');
  browser.kill();
  server.close();
  server.closeAllConnections();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
