import { processTests } from '@taskhub/storage-sqlite/testing';
import { store } from './store.js';

processTests(store);
