// Workers that are pages of a real browser, killed with the process that renders them, or with the whole browser.
// What they do they tell a server on this machine before they go on, so the journal is as exact as a file.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { kill, ProfiledBrowser } from 'tabs/browser';
import { bundle, pageWith, typeOf } from 'tabs/site';
import type { Bench } from './bench.ts';
import type { Order } from './order.ts';
import type {} from './page.ts';
import type { Found } from './read-task.ts';
import { Place, readFile, type Worker } from './workers.ts';

/** Every so many deaths are of the whole browser. */
const BROWSER_DIES = 8;

/** A page while it is at work, and what dies with it. */
interface Victim {
  pids: readonly number[];
  isKilled: boolean;
}

export class BrowserBench implements Bench {
  readonly place = new Place();
  readonly store: 'opfs' | 'indexeddb';
  readonly #browser = new ProfiledBrowser();
  readonly #files: ReadonlyMap<string, string | Buffer>;
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));
  #databases = 1;
  #deaths = 0;
  #victim: Victim | undefined;

  static async open(store: 'opfs' | 'indexeddb'): Promise<BrowserBench> {
    const built = (name: string): Buffer =>
      readFileSync(fileURLToPath(import.meta.resolve(`@taskhub/storage-opfs/${name}`)));
    const bench = new BrowserBench(
      store,
      new Map<string, string | Buffer>([
        ['/page.js', await bundle(new URL('./page.ts', import.meta.url))],
        ['/worker.js', built('worker')],
        ['/sqlite3.wasm', built('sqlite3.wasm')],
      ]),
    );
    await new Promise<void>((resolve) => bench.#server.listen(0, '127.0.0.1', resolve));
    await bench.#browser.start();
    return bench;
  }

  private constructor(store: 'opfs' | 'indexeddb', files: ReadonlyMap<string, string | Buffer>) {
    this.store = store;
    this.#files = files;
  }

  get path(): string {
    return `tasks-${this.#databases}`;
  }

  clear(): void {
    this.place.clear();
    this.#databases += 1;
  }

  start(order: Order): Worker {
    const isBrowser = (this.#deaths + 1) % BROWSER_DIES === 0;
    const victim: Victim = { pids: [], isKilled: false };
    this.#victim = victim;
    const opening = this.#openTab().then(async (page) => {
      victim.pids = isBrowser ? await this.#allProcesses() : [this.#browser.processOf(page)];
      return page;
    });
    const ended = this.#work(order, opening, victim).then(async (end) => {
      if (end === 'SIGKILL') {
        this.#deaths += 1;
        if (isBrowser) await this.#browser.restart();
      }
      return end;
    });
    ended.catch(() => undefined); // whoever waits for it is told
    return { born: opening.then(() => undefined), kill: () => killAll(victim), ended };
  }

  async read(): Promise<Found | undefined> {
    const page = await this.#openTab();
    try {
      this.place.removeFile();
      const json = await page.evaluate(([store, path]) => window.read(store, path), [
        this.store,
        this.path,
      ] as const);
      return this.store === 'opfs' ? await readFile(this.place.path) : (JSON.parse(json) ?? undefined);
    } finally {
      await page.close();
    }
  }

  async end(): Promise<void> {
    await this.#browser.end();
    this.#server.close();
    this.#server.closeAllConnections();
    this.place.remove();
  }

  async #work(order: Order, opening: Promise<Page>, victim: Victim): Promise<'SIGKILL' | null> {
    const page = await opening;
    try {
      await page.evaluate((told) => window.run(told), order);
      return null;
    } catch (error) {
      if (!victim.isKilled) throw error;
      return 'SIGKILL';
    } finally {
      victim.pids = []; // From now on they may be anybody's.
      await page.close();
    }
  }

  /** The browser first, so that it sees none of the others die. */
  async #allProcesses(): Promise<number[]> {
    const all = await this.#browser.processes();
    const main = all.filter(({ type }) => type === 'browser');
    return [...main, ...all.filter(({ type }) => type !== 'browser')].map(({ id }) => id);
  }

  #openTab(): Promise<Page> {
    const { port } = this.#server.address() as AddressInfo; // It listens on a port.
    return this.#browser.openTab(`http://localhost:${port}/`);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = '/' } = request;
    if (url === '/die') {
      if (this.#victim !== undefined) killAll(this.#victim);
      return; // Never answered: the page waits for it until it is gone.
    }
    if (url === '/journal') appendFileSync(this.place.journal, await buffer(request));
    else if (url === '/file') writeFileSync(this.place.path, await buffer(request));
    const file = this.#files.get(url);
    response.setHeader('content-type', file === undefined ? 'text/html' : typeOf(url));
    response.end(file ?? pageWith('/page.js'));
  }
}

function killAll(victim: Victim): void {
  for (const pid of victim.pids) {
    victim.isKilled = true;
    kill(pid);
  }
  victim.pids = [];
}
