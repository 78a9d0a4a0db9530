// The storage contract in the page of any browser.
import { reportSuite } from 'tabs/suite-in-page';
import { OPFSAdapter } from '../src/index.js';
import { deleteDatabase, newName } from './page/databases.js';

void reportSuite({
  name: 'opfs',
  create() {
    const name = newName();
    return { open: () => new OPFSAdapter(name), destroy: () => deleteDatabase(name) };
  },
});
