#!/usr/bin/env node
// The binary `taskhub`.
import { main } from './index.js';

// A reader that went away (`taskhub export … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? 0);
});
process.exitCode = await main(process.argv.slice(2));
