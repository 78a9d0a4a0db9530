// A browser with a profile of its own, and tabs on one site whose pages load the package as it was built.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { type BrowserContext, chromium, type Page, type Route } from 'playwright-core';
import { launchOptions } from '../../../../vitest.chromium.ts';

/** Answered by `route`, never by a network: a secure origin, which OPFS and Web Locks need. */
export const ORIGIN = 'https://taskhub.example';

/** A browser process and its profile. */
export interface Site {
  context: BrowserContext;
  /** A new tab with the script. @param script - another than `/page.js` */
  openTab(script?: string, origin?: string): Promise<Page>;
  /** Serves a file, or the answer 404 for `null`. */
  serve(path: string, body: string | Buffer | null): void;
  /** The process that renders a tab, to be killed. */
  processOf(page: Page): Promise<number>;
  /** Closes the browser and starts it again on the same profile. @param preferences - settings of the browser */
  restart(preferences?: object): Promise<void>;
  /** Closes the browser and removes the profile. */
  end(): Promise<void>;
}

const dist = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../../dist/${name}`, import.meta.url)));

/** Starts a browser; every page of the site runs `entry` (a file beside this one), bundled. */
export async function startSite(entry: string): Promise<Site> {
  const files = new Map<string, string | Buffer | null>([
    ['/page.js', await bundle(entry)],
    ['/worker.js', dist('worker.js')],
    ['/sqlite3.wasm', dist('sqlite3.wasm')],
  ]);
  const answer = (route: Route): Promise<void> => {
    const { pathname, searchParams } = new URL(route.request().url());
    const body = files.get(pathname);
    if (body === null) return route.fulfill({ status: 404, contentType: 'text/html', body: 'not found' });
    if (body !== undefined) {
      const contentType = pathname.endsWith('.wasm') ? 'application/wasm' : 'text/javascript';
      return route.fulfill({ contentType, body });
    }
    const script = searchParams.get('script') ?? '/page.js';
    const html = `<!doctype html><script type="module" src="${script}"></script>`;
    return route.fulfill({ contentType: 'text/html', body: html });
  };
  const profile = mkdtempSync(join(tmpdir(), 'taskhub-profile-'));
  const start = async (): Promise<BrowserContext> => {
    const options = { ...launchOptions, headless: true };
    const context = await chromium.launchPersistentContext(profile, options);
    context.setDefaultTimeout(30_000);
    await context.route(/^https?:\/\/taskhub\.example\//, answer);
    return context;
  };
  const site: Site = {
    context: await start(),
    async openTab(script = '/page.js', origin = ORIGIN) {
      const page = await site.context.newPage();
      await page.goto(`${origin}/?script=${script}`);
      return page;
    },
    serve: (path, body) => void files.set(path, body),
    async processOf(page) {
      // No protocol tells it: it is the one that works while the tab does, and three times as much as any other.
      for (let tries = 0; tries < 20; tries += 1) {
        const before = await renderers(site.context);
        await page.evaluate(() => {
          for (const end = performance.now() + 300; performance.now() < end; );
        });
        const after = await renderers(site.context);
        const worked = [...after].map(([pid, time]) => ({ pid, seconds: time - (before.get(pid) ?? 0) }));
        const [most, next] = worked.sort((a, b) => b.seconds - a.seconds);
        if (most !== undefined && most.seconds > 3 * (next?.seconds ?? 0)) return most.pid;
      }
      throw new Error('the renderer of this tab cannot be told from the others');
    },
    async restart(preferences) {
      await site.context.close().catch(() => undefined); // It may have been killed.
      if (preferences !== undefined) {
        writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
      }
      site.context = await start();
    },
    async end() {
      await site.context.close().catch(() => undefined);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return site;
}

/** CPU seconds of each renderer of a browser. */
async function renderers(context: BrowserContext): Promise<Map<number, number>> {
  const rendering = (await processes(context)).filter(({ type }) => type === 'renderer');
  return new Map(rendering.map(({ id, cpuTime }) => [id, cpuTime]));
}

/** The process that all others of a browser belong to. */
export async function browserProcess(context: BrowserContext): Promise<number> {
  const main = (await processes(context)).find(({ type }) => type === 'browser');
  if (main === undefined) throw new Error('the browser names no process');
  return main.id;
}

async function processes(context: BrowserContext): Promise<{ type: string; id: number; cpuTime: number }[]> {
  const browser = context.browser();
  if (browser === null) throw new Error('the browser is gone');
  const devtools = await browser.newBrowserCDPSession();
  const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
  await devtools.detach();
  return processInfo;
}

/** Kills a process of a browser as the system would. */
export function kill(pid: number): void {
  process.kill(pid, 'SIGKILL');
}

/** An entry beside this file as one module. */
export async function bundle(entry: string, plugins: Plugin[] = []): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
    plugins,
  });
  return outputFiles[0]?.text ?? '';
}
