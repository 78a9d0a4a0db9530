// What the SQLite adapters use.
export { assertOneOf } from './assert-one-of.js';
export type { SqliteChange, SqliteDriver, SqliteStatement, SqliteValue } from './driver.js';
export type { Durability } from './open-database.js';
export { type SqliteConnection, SqliteStore, type SqliteStoreOptions } from './sqlite-store.js';
