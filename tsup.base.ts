import { defineConfig, type Options } from 'tsup';

/** What every published package shares; `bundled` names the devDependencies that go into the output, code and types. */
export function packageConfig(entry: string[], bundled: string[] = []): ReturnType<typeof defineConfig> {
  const options: Options = {
    entry,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    clean: true,
    // Optional dependencies count as code of our own otherwise.
    external: [/^(node|bun):/, /^@taskhub\/(?!storage-sqlite)/],
    // By default `node:sqlite` would become `sqlite`, which does not exist.
    removeNodeProtocol: false,
    noExternal: bundled.map((name) => new RegExp(`^${name}(/|$)`)),
    dts: { resolve: bundled, banner: '/// <reference lib="esnext.disposable" />' },
  };
  return defineConfig(options);
}
