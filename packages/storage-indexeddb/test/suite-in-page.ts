// The storage contract in the page of any browser.
import { reportSuite } from 'tabs/suite-in-page';
import { IndexedDBAdapter } from '../src/index.js';
import { deleteDatabase, newName } from './page/databases.js';

void reportSuite({
  name: 'indexeddb',
  create() {
    const name = newName();
    return { open: () => new IndexedDBAdapter(name), destroy: () => deleteDatabase(name) };
  },
});
