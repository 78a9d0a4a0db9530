// Tabs whose pages have the adapter, and the worker as it was built.
import { readFileSync } from 'node:fs';
import { type Site, startSite } from 'tabs/site';

/** The script of the pages. */
export const ENTRY: URL = new URL('./in-tab.ts', import.meta.url);

/** A file of the build. */
export function built(name: 'worker.js' | 'sqlite3.wasm'): Buffer {
  return readFileSync(new URL(`../../dist/${name}`, import.meta.url));
}

/** Starts a browser. */
export function startOpfsSite(): Promise<Site> {
  return startSite(ENTRY, { '/worker.js': built('worker.js'), '/sqlite3.wasm': built('sqlite3.wasm') });
}
