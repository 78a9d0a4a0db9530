// A Chromium with a profile of its own, tabs in it, and the process of each.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { launchOptions } from '../vitest.chromium.ts';

/** A process of a browser; `type` as DevTools has it: `browser`, `renderer`, `gpu-process` and others. */
interface BrowserProcess {
  type: string;
  id: number;
}

/** A browser process and its profile, which outlives it. */
export class ProfiledBrowser {
  readonly #profile = mkdtempSync(join(tmpdir(), 'taskhub-profile-'));
  readonly #prepare: (context: BrowserContext) => Promise<void>;
  readonly #renderers = new WeakMap<Page, number>();
  #context: BrowserContext | undefined;

  /** @param prepare - is given the tabs before there is one, at each start */
  constructor(prepare: (context: BrowserContext) => Promise<void> = async () => undefined) {
    this.#prepare = prepare;
  }

  get context(): BrowserContext {
    if (this.#context === undefined) throw new Error('the browser is not started');
    return this.#context;
  }

  async start(): Promise<void> {
    const { args, ...options } = launchOptions;
    this.#context = await chromium.launchPersistentContext(this.#profile, {
      ...options,
      // None that waits for a tab to come: so a process that appears with a tab is that tab's.
      args: [...args, '--disable-features=SpareRendererForSitePerProcess'],
      headless: true,
    });
    this.#context.setDefaultTimeout(30_000);
    await this.#prepare(this.#context);
  }

  /** A new tab. One at a time, or their processes could not be told apart. */
  async openTab(url: string): Promise<Page> {
    const before = new Set((await this.processes()).map(({ id }) => id));
    const page = await this.context.newPage();
    await page.goto(url);
    const added = (await this.processes()).filter(({ type, id }) => type === 'renderer' && !before.has(id));
    const [renderer] = added;
    if (renderer === undefined || added.length > 1) {
      throw new Error(`${added.length} renderers came with a tab instead of one`);
    }
    this.#renderers.set(page, renderer.id);
    return page;
  }

  /** The process that renders a tab, with the workers of it. */
  processOf(page: Page): number {
    const pid = this.#renderers.get(page);
    if (pid === undefined) throw new Error('this tab was not opened here');
    return pid;
  }

  /** The process that all others belong to. */
  async mainProcess(): Promise<number> {
    const main = (await this.processes()).find(({ type }) => type === 'browser');
    if (main === undefined) throw new Error('the browser names no process');
    return main.id;
  }

  async processes(): Promise<BrowserProcess[]> {
    const browser = this.context.browser();
    if (browser === null) throw new Error('the browser is gone');
    const devtools = await browser.newBrowserCDPSession();
    const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
    await devtools.detach();
    return processInfo;
  }

  /** Closes the browser and starts it again on the same profile. @param preferences - settings of the browser */
  async restart(preferences?: object): Promise<void> {
    await this.#close();
    if (preferences !== undefined) {
      writeFileSync(join(this.#profile, 'Default', 'Preferences'), JSON.stringify(preferences));
    }
    await this.start();
  }

  /** Closes the browser and removes the profile. */
  async end(): Promise<void> {
    await this.#close();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  async #close(): Promise<void> {
    await this.#context?.close().catch(() => undefined); // It may have been killed.
  }
}

/** Kills a process of a browser as the system would. */
export function kill(pid: number): void {
  process.kill(pid, 'SIGKILL');
}
