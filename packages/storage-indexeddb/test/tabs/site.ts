// A browser with a profile of its own, and tabs on one site whose pages load the adapter.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { launchOptions } from '../../../../vitest.chromium.ts';

/** Answered by `route`, never by a network: a secure origin, so that there are Web Locks. */
export const ORIGIN = 'https://taskhub.example';

/** A browser process and its profile. */
export interface Site {
  context: BrowserContext;
  /** A new tab with the script. */
  openTab(): Promise<Page>;
  /** Closes the browser and starts it again on the same profile. */
  restart(): Promise<void>;
  /** Closes the browser and removes the profile. */
  end(): Promise<void>;
}

/** Starts a browser; every page of the site runs `entry` (a file beside this one), bundled. */
export async function startSite(entry: string): Promise<Site> {
  const script = await bundle(entry);
  const profile = mkdtempSync(join(tmpdir(), 'taskhub-profile-'));
  const start = async (): Promise<BrowserContext> => {
    const context = await chromium.launchPersistentContext(profile, { ...launchOptions, headless: true });
    context.setDefaultTimeout(30_000);
    await context.route(`${ORIGIN}/**`, (route) =>
      route.fulfill({ contentType: 'text/html', body: `<!doctype html><script>${script}</script>` }),
    );
    return context;
  };
  const site: Site = {
    context: await start(),
    async openTab() {
      const page = await site.context.newPage();
      await page.goto(`${ORIGIN}/`);
      return page;
    },
    async restart() {
      await site.context.close().catch(() => undefined); // It may have been killed.
      site.context = await start();
    },
    async end() {
      await site.context.close().catch(() => undefined);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return site;
}

/** An entry beside this file as one script. */
export async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    format: 'iife',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  // Where `</script` stands in a text of the bundle it would end the element.
  return (outputFiles[0]?.text ?? '').replaceAll('</script', '<\\/script');
}
