import { statfsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

/**
 * Where the tests make their files: in memory if there is room, three times as quick. What a flush to the disk is good
 * for shows only when the power fails.
 */
function temporaryFolder(): { TMPDIR?: string } {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    return bavail * bsize > 512 * 1024 * 1024 ? { TMPDIR: '/dev/shm' } : {};
  } catch {
    return {}; // Only Linux has it.
  }
}

function configOf(
  report: string,
  { env, ...more }: NonNullable<ViteUserConfig['test']> = {},
): ViteUserConfig {
  return defineConfig({
    test: {
      include: ['test/**/*.test.ts'],
      passWithNoTests: true,
      // Against what hangs, not against what is slow: files and processes can be, where much else runs.
      testTimeout: 30_000,
      hookTimeout: 60_000,
      env: { ...temporaryFolder(), ...env },
      reporters: ['default', ['json', { outputFile: `test-results/${report}.json` }]],
      // Of the source, what only tests use left out.
      coverage: { include: ['src/**'], exclude: ['src/testing/**'], reporter: ['text', 'json'] },
      ...more,
    },
  });
}

/** Every vitest run: results on the terminal, and as a report that scripts/sum-tests.mjs adds up. */
export default configOf('vitest');

/**
 * The same inside another runtime than Node 20: a run that fell back to it fails.
 *
 * @param runtime - `bun`, `deno` or `node24`
 * @param report - name of the report, without `.json`
 */
export function inside(runtime: string, report = 'vitest'): ViteUserConfig {
  return configOf(report, {
    setupFiles: [fileURLToPath(new URL('./vitest.inside.ts', import.meta.url))],
    exclude: ['**/node_modules/**', 'test/page/**'], // Those run inside a browser.
    env: { TASKHUB_RUNTIME: runtime },
  });
}
