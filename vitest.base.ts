import { defineConfig } from 'vitest/config';

/** Every vitest run: results on the terminal, and as a report that scripts/sum-tests.mjs adds up. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    passWithNoTests: true,
    reporters: ['default', ['json', { outputFile: 'test-results/vitest.json' }]],
  },
});
