// The database schema, as numbered migrations. A released migration is never edited.

/** `PRAGMA application_id` of our files: "TASK" in ASCII. */
export const APPLICATION_ID = 0x5441534b;

/** Jobs of task `no` have the ids `no · 2^32 + seq`, so source order is key order and a task is one range of keys. */
export const SEQ_SPAN: number = 2 ** 32;

/** Above this `task.no` job ids would pass 2^53 and lose digits in JavaScript: no task is stored then. */
export const MAX_TASK_NO: number = 2 ** 21 - 1;

const FIRST = `
CREATE TABLE task (                     -- cold: written on create and on a change of state
  no         INTEGER PRIMARY KEY AUTOINCREMENT, -- upper half of the ids of its jobs; never used twice
  id         TEXT NOT NULL UNIQUE,      -- public id; provisional while 'ingesting'
  root       TEXT,                      -- Merkle root, hex; NULL for dynamic tasks
  name       TEXT NOT NULL,
  status     TEXT NOT NULL,
  options    TEXT NOT NULL,             -- JSON of the engine
  reuse_from TEXT,                      -- id of the task whose results are copied while this one is ingested
  ingested   INTEGER NOT NULL,          -- 1 when the source has ended, set with its last batch
  duplicates INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE INDEX task_root ON task(root) WHERE root IS NOT NULL;

CREATE TABLE progress (                 -- hot: one small row per task, rewritten by every exchange
  task      INTEGER PRIMARY KEY,
  last_seq  INTEGER NOT NULL,           -- place of the last job; above total where the source had repeats
  cursor    INTEGER NOT NULL,           -- every job up to this place was claimed once or came with a result
  total     INTEGER NOT NULL,
  active    INTEGER NOT NULL,
  waiting   INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  failed    INTEGER NOT NULL,           -- pending = total - active - completed - failed
  reused    INTEGER NOT NULL            -- jobs whose result was copied: those behind the cursor are no fresh ones
);

CREATE TABLE job (                      -- written once, never updated
  id    INTEGER PRIMARY KEY,            -- task.no * 2^32 + seq
  hash  BLOB NOT NULL,                  -- 32 bytes: the job id itself if key is NULL, else SHA-256(key); not indexed
  input TEXT NOT NULL,
  key   TEXT                            -- the id given by getJobId, else NULL
);

CREATE TABLE live (                     -- held by an owner, or claimed before and waiting
  id        INTEGER PRIMARY KEY,
  task      INTEGER NOT NULL,
  owner     INTEGER,                    -- NULL = waiting until due_at
  due_at    INTEGER NOT NULL,           -- of a held job: when it was claimed
  attempts  INTEGER NOT NULL,
  throttles INTEGER NOT NULL,
  crashes   INTEGER NOT NULL,
  error     TEXT
);
CREATE INDEX live_due ON live(task, due_at) WHERE owner IS NULL;

CREATE TABLE result (                   -- written once when a job is settled
  id         INTEGER PRIMARY KEY,
  attempts   INTEGER NOT NULL,
  throttles  INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL,
  output     TEXT,
  error      TEXT                       -- NOT NULL = failed
);
CREATE INDEX result_failed ON result(id) WHERE error IS NOT NULL;

CREATE TABLE owner (                    -- who works on a task, or ingests it; one lease end for all it holds there
  no    INTEGER PRIMARY KEY AUTOINCREMENT,
  task  INTEGER NOT NULL,
  id    TEXT NOT NULL,
  until INTEGER NOT NULL,
  UNIQUE (task, id)
);

CREATE TABLE deleted_task (             -- deleted tasks whose job, live and result rows are still to be removed
  no INTEGER PRIMARY KEY
);

-- For whoever opens the file with a shell: SELECT * FROM job_status WHERE task = '...' AND status = 'failed';
CREATE VIEW job_status AS
SELECT t.name AS task, j.id & 4294967295 AS seq, coalesce(j.key, lower(hex(j.hash))) AS job_id,
  CASE WHEN r.id IS NOT NULL THEN iif(r.error IS NULL, 'completed', 'failed')
       WHEN l.owner IS NOT NULL THEN 'active' ELSE 'pending' END AS status,
  coalesce(r.attempts, l.attempts, 0) AS attempts, coalesce(r.throttles, l.throttles, 0) AS throttles,
  j.input, r.output, coalesce(r.error, l.error) AS error,
  strftime('%Y-%m-%dT%H:%M:%fZ', coalesce(r.started_at, iif(l.owner IS NOT NULL, l.due_at, NULL)) / 1000.0, 'unixepoch') AS started,
  strftime('%Y-%m-%dT%H:%M:%fZ', r.ended_at / 1000.0, 'unixepoch') AS ended,
  strftime('%Y-%m-%dT%H:%M:%fZ', iif(l.owner IS NULL, l.due_at, NULL) / 1000.0, 'unixepoch') AS due,
  o.id AS owner, t.id AS task_id
FROM task t CROSS JOIN job j ON j.id BETWEEN t.no << 32 AND (t.no << 32) + 4294967295
LEFT JOIN live l ON l.id = j.id LEFT JOIN result r ON r.id = j.id LEFT JOIN owner o ON o.no = l.owner;

CREATE VIEW task_status AS
SELECT t.name AS task, t.status, p.total, p.total - p.active - p.completed - p.failed AS pending,
  p.active, p.completed, p.failed, p.reused, t.duplicates, t.ingested, t.root,
  strftime('%Y-%m-%dT%H:%M:%fZ', t.created_at / 1000.0, 'unixepoch') AS created,
  strftime('%Y-%m-%dT%H:%M:%fZ', t.updated_at / 1000.0, 'unixepoch') AS updated, t.id AS task_id
FROM task t JOIN progress p ON p.task = t.no;
`;

/** Migration number n brings a file from version n to n + 1; `user_version` holds the number of those applied. */
export const MIGRATIONS: readonly string[] = [FIRST];

/** The version that this code reads and writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;

/** Greatest place of a job in its task: above it, ids would run into the next task. No job is stored then. */
export const MAX_SEQ: number = SEQ_SPAN - 1;

/** Lowest possible job id of a task, exclusive: seq starts at 1. */
export function firstId(task: number): number {
  return task * SEQ_SPAN;
}

/** Highest possible job id of a task, inclusive. */
export function lastId(task: number): number {
  return task * SEQ_SPAN + MAX_SEQ;
}
