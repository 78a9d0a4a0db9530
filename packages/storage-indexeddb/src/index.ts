// The public surface of @taskhub/storage-indexeddb.
export type { Durability } from './database.js';
export { IndexedDBAdapter, type IndexedDBOptions } from './indexeddb-adapter.js';
