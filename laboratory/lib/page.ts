// The page of a worker. What it says is at the server when the call that says it returns, as in a file.
import type { StorageAdapter } from '@taskhub/core';
import { IndexedDBAdapter } from '@taskhub/storage-indexeddb';
import { OPFSAdapter } from '@taskhub/storage-opfs';
import type { Order } from './order.ts';
import { type Found, readTask } from './read-task.ts';
import { runTask } from './run-task.mjs';

declare global {
  interface Window {
    /** Resolves when the run has come to its own end. */
    run(order: Order): Promise<void>;
    /** What is stored, as JSON; an OPFS database is sent to the server as a file. */
    read(store: 'opfs' | 'indexeddb', path: string): Promise<string>;
  }
}

function post(path: string, text = ''): void {
  const request = new XMLHttpRequest();
  request.open('POST', path, false);
  request.send(text);
}

window.run = ({ ...order }) => {
  const { store, path, durability } = order;
  const adapter: StorageAdapter =
    store === 'opfs' ? new OPFSAdapter(path, { durability }) : new IndexedDBAdapter(path, { durability });
  const id = crypto.randomUUID().slice(0, 8);
  return runTask(order, {
    id,
    runtime: 'page',
    adapter,
    write: (line) => post('/journal', `${line}\n`),
    die: () => post('/die'),
  });
};

window.read = async (store, path) => {
  const adapter = store === 'opfs' ? new OPFSAdapter(path) : new IndexedDBAdapter(path);
  await adapter.open();
  try {
    if (adapter instanceof OPFSAdapter) {
      const bytes = await adapter.exportDatabase();
      await fetch('/file', { method: 'POST', body: new Blob([bytes as Uint8Array<ArrayBuffer>]) });
      return 'null';
    }
    const found: Found | undefined = await readTask(adapter);
    return JSON.stringify(found ?? null);
  } finally {
    await adapter.close();
  }
};
