// What a bundler makes of the main entry: nothing that another runtime cannot load.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'tsup';
import { expect, onTestFinished, test } from 'vitest';

test('the main entry in one file: bun:sqlite and better-sqlite3 are no imports of it, and it runs here', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'taskhub-bundle-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const entry = fileURLToPath(new URL('../dist/index.js', import.meta.url));
  const options = { format: 'esm', platform: 'node', config: false, silent: true, minify: true } as const;
  const outExtension = () => ({ js: '.mjs' });
  await build({ ...options, entry: { bundle: entry }, outDir: folder, outExtension, noExternal: [/.*/] });

  const file = join(folder, 'bundle.mjs');
  const text = readFileSync(file, 'utf8');
  const imported = [...text.matchAll(/(?:from|import|import\()\s*["']([^"']+)["']/g)].map(([, name]) => name);
  expect(imported.length).toBeGreaterThan(0);
  for (const name of imported) expect(name).toMatch(/^(node:)?(fs|os|path|process|crypto|module)$/);

  const { createTaskHub } = await import(pathToFileURL(file).href);
  const hub = await createTaskHub({ dbPath: join(folder, 'tasks.db') });
  expect(hub.storage.persistent).toBe(true);
  await hub.close();
});
