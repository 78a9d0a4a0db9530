import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import base from '../../vitest.base.ts';
import { assertChromium, launchOptions } from './test/chromium.ts';

assertChromium();

const { include: _, ...shared } = base.test ?? {}; // Each project has its own.

// `page`: the tests run inside Chromium. `node`: they run in Node, most of them leading tabs that they
// open, delete data under and kill.
export default defineConfig({
  test: {
    ...shared,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        // Found while it is served otherwise, which reloads the page in mid-test.
        optimizeDeps: { include: ['idb'] },
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
      },
      { extends: true, test: { name: 'node', include: ['test/*.test.ts', 'test/tabs/**/*.test.ts'] } },
    ],
  },
});
