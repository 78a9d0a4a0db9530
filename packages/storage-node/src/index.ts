// The public surface of @taskhub/storage-node.
export { NodeSQLiteAdapter, type NodeSQLiteOptions } from './node-sqlite-adapter.js';
