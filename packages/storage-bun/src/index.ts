// The public surface of @taskhub/storage-bun.
export { BunSQLiteAdapter, type BunSQLiteOptions } from './bun-sqlite-adapter.js';
