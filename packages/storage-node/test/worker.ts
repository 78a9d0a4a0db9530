// The process of processes.test.ts.
import { serveWorker } from '@taskhub/storage-sqlite/testing/worker';
import type { BindingName } from '../src/binding.js';
import { NodeSQLiteAdapter } from '../src/index.js';

await serveWorker((path, name) => new NodeSQLiteAdapter(path, { driver: name as BindingName })); // From `bindings`.
