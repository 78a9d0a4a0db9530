import { fileStoreTests } from '@taskhub/storage-sqlite/testing';
import { store } from './store.js';

fileStoreTests(store);
