// The process of processes.test.ts.
import { serveWorker } from '@taskhub/storage-sqlite/testing/worker';
import { BunSQLiteAdapter } from '../src/index.js';

await serveWorker((path) => new BunSQLiteAdapter(path));
