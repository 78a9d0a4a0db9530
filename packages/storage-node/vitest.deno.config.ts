import { inside } from '../../vitest.base.ts';

export default inside('deno', 'vitest-deno');
