import { processTests } from '@taskhub/storage-sqlite/testing';
import { stores } from './stores.js';

for (const store of stores) processTests(store);
