// The engine on OPFS, in one page.
import { engineTests } from 'tabs/engine-tests';
import { deleteDatabase, newName, newStore } from './databases.js';

engineTests({ name: 'opfs', newName, newStore, deleteDatabase });
