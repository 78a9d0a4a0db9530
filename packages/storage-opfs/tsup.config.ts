import { copyFile, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { defineConfig, type Options } from 'tsup';
import { packageConfig } from '../../tsup.base.ts';

const wasm = createRequire(import.meta.url).resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm');

/** Files that SQLite loads for file systems which are turned off here: bundlers would look for them and fail. */
const LOADED = /new URL\("(?:sqlite3-worker1\.mjs|sqlite3-opfs-async-proxy\.js)", import\.meta\.url\)/g;

const withoutUnusedWorkers: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'without-unused-workers',
  setup(build) {
    build.onLoad({ filter: /sqlite-wasm[\\/]dist[\\/]index\.mjs$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const found = text.match(LOADED)?.length ?? 0;
      if (found !== 2)
        throw new Error(`${path} names ${found} workers instead of 2: look at what it loads now`);
      return { contents: text.replaceAll(LOADED, '"not part of this build"'), loader: 'js' };
    });
  },
};

/** One file that imports nothing: a worker has no import map. */
const worker: Options = {
  entry: ['src/worker.ts'],
  format: 'esm',
  target: 'es2022',
  platform: 'browser',
  noExternal: [/.*/],
  splitting: false,
  minify: true,
  clean: ['dist/worker.*', 'dist/*.wasm'],
  esbuildPlugins: [withoutUnusedWorkers],
  onSuccess: () => copyFile(wasm, 'dist/sqlite3.wasm'),
};

// The types of storage-sqlite are found through `paths` of tsconfig.json: see storage-bun.
const page = packageConfig(['src/index.ts'], ['@taskhub/storage-sqlite']);

export default defineConfig([{ ...(page as Options), dts: true, clean: ['dist/index.*'] }, worker]);
