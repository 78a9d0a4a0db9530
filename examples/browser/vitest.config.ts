import { mergeConfig } from 'vitest/config';
import base from '../../vitest.base.ts';

// The page is built before the first test.
export default mergeConfig(base, { test: { hookTimeout: 120_000 } });
