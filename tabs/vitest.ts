// The tests of a package for browsers: inside a page, in Node leading tabs, and in Node alone.
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectInlineConfiguration, type ViteUserConfig } from 'vitest/config';
import base from '../vitest.base.ts';
import { hasChromium, launchOptions } from '../vitest.chromium.ts';

/**
 * @param whose - the package
 * @param include - packages that only pages import: found while they are served, they would reload the page in mid-test
 */
export function browserConfig(whose: string, include: string[] = []): ViteUserConfig {
  const { include: _, ...shared } = base.test ?? {}; // Each project has its own.
  const page: TestProjectInlineConfiguration = {
    extends: true,
    optimizeDeps: { include },
    test: {
      name: 'page',
      include: ['test/page/**/*.test.ts'],
      browser: {
        enabled: true,
        provider: playwright({ launchOptions }),
        instances: [{ browser: 'chromium' }],
        headless: true,
        screenshotFailures: false,
      },
    },
  };
  const tabs: TestProjectInlineConfiguration = {
    extends: true,
    test: { name: 'tabs', include: ['test/tabs/**/*.test.ts'] },
  };
  const node: TestProjectInlineConfiguration = {
    extends: true,
    test: { name: 'node', include: ['test/*.test.ts'] },
  };
  return defineConfig({
    test: {
      ...shared,
      testTimeout: 60_000,
      hookTimeout: 60_000,
      projects: hasChromium(whose) ? [page, tabs, node] : [node],
    },
  });
}
