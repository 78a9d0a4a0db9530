import { browserConfig } from '../../tabs/vitest.ts';

export default browserConfig('@shelchin/taskhub', ['@taskhub/storage-indexeddb > idb']);
