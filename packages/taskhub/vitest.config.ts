import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import base from '../../vitest.base.ts';
import { hasChromium, launchOptions } from '../../vitest.chromium.ts';

const { include: _, ...shared } = base.test ?? {}; // Each project has its own.

// The tests run inside Chromium.
const page: TestProjectInlineConfiguration = {
  extends: true,
  // Found while it is served otherwise, which reloads the page in mid-test.
  optimizeDeps: { include: ['@taskhub/storage-indexeddb > idb'] },
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

const node: TestProjectInlineConfiguration = {
  extends: true,
  test: { name: 'node', include: ['test/*.test.ts'] },
};

export default defineConfig({
  test: { ...shared, projects: hasChromium('@shelchin/taskhub') ? [page, node] : [node] },
});
