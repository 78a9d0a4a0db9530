import base from '../../vitest.base.ts';

export default { ...base, test: { ...base.test, setupFiles: ['test/in-bun.ts'] } };
