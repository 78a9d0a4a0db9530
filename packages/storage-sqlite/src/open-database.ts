// Opening: look before touching, create or migrate, then set the connection up.
import { type Clock, TaskHubError } from '@taskhub/core';
import { Database } from './database.js';
import type { SqliteDriver } from './driver.js';
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from './schema.js';

/** `relaxed`: commits survive the death of the process. `strict`: and power loss, at the cost of a flush per commit. */
export type Durability = 'relaxed' | 'strict';
export const DURABILITIES: readonly Durability[] = ['relaxed', 'strict'];

const READ_IDENTITY = `SELECT (SELECT application_id FROM pragma_application_id) AS application,
  (SELECT user_version FROM pragma_user_version) AS version, (SELECT count(*) FROM sqlite_schema) AS objects`;
const READ_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'";
const TABLES = ['task', 'progress', 'job', 'live', 'result', 'owner', 'deleted_task'];

interface Identity {
  application: number;
  version: number;
  objects: number;
}

/**
 * Makes a new connection ready for use: creates the schema in an empty file, migrates an older one.
 *
 * @throws TaskHubError STORAGE_FOREIGN, STORAGE_CORRUPT or SCHEMA_TOO_NEW before anything was written; the connection
 * is closed then
 */
export async function openDatabase(
  driver: SqliteDriver,
  path: string,
  options: { clock: Clock; durability: Durability; journal?: 'WAL' | 'TRUNCATE' | undefined },
): Promise<Database> {
  const db = new Database(driver, path, options.clock);
  try {
    const identity = await db.read(() => readIdentity(db));
    assertOurs(identity, path);
    if (identity.version < SCHEMA_VERSION) await db.write(() => migrate(db, driver));
    else await db.read(() => assertWhole(db));
    await setUp(db, driver, options);
    return db;
  } catch (error) {
    driver.close();
    throw error;
  }
}

function readIdentity(db: Database): Identity {
  return db.sql<Identity>(READ_IDENTITY).get() ?? { application: 0, version: 0, objects: 0 };
}

/** An empty database is ours to fill. */
function assertOurs({ application, version, objects }: Identity, path: string): void {
  const empty = application === 0 && version === 0 && objects === 0;
  if (!empty && application !== APPLICATION_ID) throw foreignError(path);
  if (version > SCHEMA_VERSION) throw tooNewError(path, version);
}

/** The error for a file of another program. */
export function foreignError(path: string): TaskHubError {
  return new TaskHubError(
    'STORAGE_FOREIGN',
    `"${path}" is not a TaskHub database. It was left as it is; choose another path.`,
    { details: { path } },
  );
}

/** The error for a file that a later version has written. */
export function tooNewError(path: string, version: number): TaskHubError {
  return new TaskHubError(
    'SCHEMA_TOO_NEW',
    `"${path}" has schema version ${version}, this TaskHub knows up to ${SCHEMA_VERSION}. ` +
      'It was left as it is; update TaskHub or choose another path.',
    { details: { path, version, supported: SCHEMA_VERSION } },
  );
}

/** Brings the file to the current version, in one transaction. Another process may have been quicker. */
function migrate(db: Database, driver: SqliteDriver): void {
  const { version } = readIdentity(db);
  for (const migration of MIGRATIONS.slice(version)) driver.exec(migration);
  driver.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
}

/** Reads the end of every table: finds a file that was cut or overwritten there. A full check would take seconds. */
function assertWhole(db: Database): void {
  const there = new Set(
    db
      .sql<{ name: string }>(READ_TABLES)
      .all()
      .map((row) => row.name),
  );
  const missing = TABLES.filter((table) => !there.has(table));
  if (missing.length > 0) {
    throw new TaskHubError(
      'STORAGE_CORRUPT',
      `The database "${db.path}" is damaged: it lacks ${missing.join(', ')}. Restore a copy or choose another path.`,
      { details: { path: db.path, missing } },
    );
  }
  for (const table of TABLES) db.sql(`SELECT * FROM ${table} ORDER BY rowid DESC LIMIT 1`).get();
}

// The schema is created with a rollback journal and only then the log is switched on: so the file's own header tells
// from its first moment whose it is, and a look at it needs no log.
async function setUp(
  db: Database,
  driver: SqliteDriver,
  { durability, journal = 'WAL' }: { durability: Durability; journal?: 'WAL' | 'TRUNCATE' | undefined },
): Promise<void> {
  await db.outside(() => {
    driver.exec(`PRAGMA journal_mode = ${journal}`);
    // As SQLite has it by itself; some bindings take 16 MB, which rows that are read once in order make no use of.
    driver.exec('PRAGMA cache_size = -2000');
    driver.exec(`PRAGMA synchronous = ${durability === 'strict' ? 'FULL' : 'NORMAL'}`);
  });
}
