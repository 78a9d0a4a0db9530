// What the SQLite adapters of runtimes with a file system share. Not for browsers: it imports `node:` modules.
export { type PreparedFile, prepareFile } from './prepare-file.js';
export { processLiveness } from './process-liveness.js';
