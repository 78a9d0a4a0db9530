import { browserConfig } from '../../tabs/vitest.ts';

export default browserConfig('@taskhub/storage-indexeddb', ['idb']);
