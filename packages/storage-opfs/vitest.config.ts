import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import base from '../../vitest.base.ts';
import { hasChromium, launchOptions } from '../../vitest.chromium.ts';

const inChromium = hasChromium('@taskhub/storage-opfs');
const { include: _, ...shared } = base.test ?? {}; // Each project has its own.

// The tests run inside Chromium, with the worker as it was built.
const page: TestProjectInlineConfiguration = {
  extends: true,
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

// The tests run in Node and lead tabs, which they open, kill, and delete data under.
const tabs: TestProjectInlineConfiguration = {
  extends: true,
  test: { name: 'tabs', include: ['test/tabs/**/*.test.ts'] },
};

const node: TestProjectInlineConfiguration = {
  extends: true,
  test: { name: 'node', include: ['test/*.test.ts'] },
};

export default defineConfig({
  test: {
    ...shared,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: inChromium ? [page, tabs, node] : [node],
  },
});
