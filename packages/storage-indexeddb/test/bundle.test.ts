// What a bundler makes of the engine with this store: nothing of SQLite, nothing of Node.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const PROGRAM = `
  import { Hub } from '@taskhub/core';
  import { IndexedDBAdapter } from '@taskhub/storage-indexeddb';
  globalThis.hub = new Hub(new IndexedDBAdapter());
`;

async function bundled(contents: string): Promise<string> {
  const { outputFiles } = await build({
    // As a package that depends on both has it: by their names, from their builds.
    stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    alias: { '@taskhub/storage-indexeddb': fileURLToPath(new URL('../dist/index.js', import.meta.url)) },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

test('bundle: core and IndexedDB contain no SQLite and import nothing', async () => {
  const text = await bundled(PROGRAM);
  // Not the word alone: an error of core says "not a SQLite database".
  const foreign =
    /sqlite3|better-sqlite|storage-(?:node|bun|opfs|sqlite)|\bPRAGMA\b|\bCREATE TABLE\b|\bwasm\b|["'](?:node|bun):/gi;
  expect(text.match(foreign) ?? []).toEqual([]);
  expect(text.match(/\b(?:import|require)\s*[({"'][^;]{0,40}/g) ?? []).toEqual([]);
});
