import { browserConfig } from '../../tabs/vitest.ts';

// In a page with the worker as it was built.
export default browserConfig('@taskhub/storage-opfs');
