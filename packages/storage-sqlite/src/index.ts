// What the SQLite adapters use.
export { assertOneOf } from './assert-one-of.js';
export type { SqliteChange, SqliteDriver, SqliteStatement, SqliteValue } from './driver.js';
export { DURABILITIES, type Durability } from './open-database.js';
export { SCHEMA_VERSION } from './schema.js';
export { type SqliteConnection, SqliteStore, type SqliteStoreOptions } from './sqlite-store.js';
