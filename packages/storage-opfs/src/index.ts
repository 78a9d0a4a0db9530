// The public surface of @taskhub/storage-opfs.
export { OPFSAdapter, type OPFSOptions } from './opfs-adapter.js';
