// Tabs on one site that no network answers, whose pages run a script.
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import type { Page, Route } from 'playwright-core';
import { ProfiledBrowser } from './browser.ts';

/** Answered by `route`, never by a network: a secure origin, which OPFS and Web Locks need. */
export const ORIGIN = 'https://taskhub.example';

/** A path of the site and what lies there; null answers 404. */
export type Files = Map<string, string | Buffer | null>;

/** A browser whose tabs are on the site. */
export class Site extends ProfiledBrowser {
  readonly #files: Files;

  constructor(files: Files) {
    super(async (context) => {
      await context.route(/^https?:\/\/taskhub\.example\//, (route) => answer(route, files));
    });
    this.#files = files;
  }

  /** A new tab with the script. @param script - another than `/page.js` */
  override openTab(script = '/page.js', origin: string = ORIGIN): Promise<Page> {
    return super.openTab(`${origin}/?script=${script}`);
  }

  /** Serves a file, or the answer 404 for `null`. */
  serve(path: string, body: string | Buffer | null): void {
    this.#files.set(path, body);
  }
}

/** Starts a browser; every page of the site runs `entry`, bundled. @param files - what else is there, by path */
export async function startSite(entry: URL, files: Record<string, Buffer> = {}): Promise<Site> {
  const site = new Site(new Map(Object.entries({ '/page.js': await bundle(entry), ...files })));
  await site.start();
  return site;
}

function answer(route: Route, files: Files): Promise<void> {
  const { pathname, searchParams } = new URL(route.request().url());
  const body = files.get(pathname);
  if (body === null) return route.fulfill({ status: 404, contentType: 'text/html', body: 'not found' });
  if (body !== undefined) return route.fulfill({ contentType: typeOf(pathname), body });
  return route.fulfill({
    contentType: 'text/html',
    body: pageWith(searchParams.get('script') ?? '/page.js'),
  });
}

/** The content type of a file by its name. */
export function typeOf(path: string): string {
  return path.endsWith('.wasm') ? 'application/wasm' : 'text/javascript';
}

/** A page that loads a module. */
export function pageWith(script: string): string {
  return `<!doctype html><meta charset="utf-8"><script type="module" src="${script}"></script>`;
}

/** A file and what it imports as one module. */
export async function bundle(entry: URL, plugins: Plugin[] = []): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
    plugins,
  });
  return outputFiles[0]?.text ?? '';
}
