// The engine on IndexedDB, in one page.
import { engineTests } from 'tabs/engine-tests';
import { IndexedDBAdapter } from '../../src/index.js';
import { deleteDatabase, newName } from './databases.js';

const newStore = (database: string): IndexedDBAdapter => new IndexedDBAdapter(database);
engineTests({ name: 'indexeddb', newName, newStore, deleteDatabase });
