-- Everything a shard's commit writes, apart from histories. range_id is the fence of every commit. Rows that are
-- updated live in rowid tables, keyed by a number that grows: runs of one time lie together, and an update touches
-- one page.

CREATE TABLE shard_map (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  epoch INTEGER NOT NULL
) STRICT;

-- Shard = a range [from_hash, to_hash) of the 32-bit hash space of workflow ids.
CREATE TABLE shard_ranges (
  shard_id  INTEGER PRIMARY KEY,
  from_hash INTEGER NOT NULL,
  to_hash   INTEGER NOT NULL
) STRICT;

CREATE TABLE shards (
  shard_id INTEGER PRIMARY KEY,
  range_id INTEGER NOT NULL,
  info     BLOB NOT NULL              -- antiphon.internal.v1.ShardInfo
) STRICT;

CREATE TABLE executions (
  run_no        INTEGER PRIMARY KEY,
  shard_id      INTEGER NOT NULL,
  domain_id     TEXT NOT NULL,
  workflow_id   TEXT NOT NULL,
  run_id        TEXT NOT NULL,
  next_event_id INTEGER NOT NULL,
  is_open       INTEGER NOT NULL,
  crc           INTEGER NOT NULL,     -- of record, seeded with run_id and next_event_id
  record        BLOB NOT NULL         -- antiphon.internal.v1.ExecutionRecord
) STRICT;
-- Run ids of this region grow with time, so the index grows at its end.
CREATE UNIQUE INDEX executions_by_run ON executions (run_id, workflow_id, domain_id, shard_id);

CREATE TABLE signal_requests (
  run_no     INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  PRIMARY KEY (run_no, request_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE current_runs (
  current_no         INTEGER PRIMARY KEY,
  shard_id           INTEGER NOT NULL,
  domain_id          TEXT NOT NULL,
  workflow_id        TEXT NOT NULL,
  run_id             TEXT NOT NULL,
  create_request_id  TEXT NOT NULL,
  is_open            INTEGER NOT NULL,
  close_status       INTEGER NOT NULL,
  last_write_version INTEGER NOT NULL,
  start_ms           INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX current_runs_by_workflow ON current_runs (shard_id, domain_id, workflow_id);

-- Recovery log of immediate work; deleted by range as the shard's ack level moves.
CREATE TABLE transfer_tasks (
  shard_id INTEGER NOT NULL,
  task_id  INTEGER NOT NULL,
  task     BLOB NOT NULL,             -- antiphon.internal.v1.TransferTask
  PRIMARY KEY (shard_id, task_id)
) STRICT, WITHOUT ROWID;

-- By time first: what one commit writes lies together for all shards. A window of one shard is read over those of the others.
CREATE TABLE timer_tasks (
  fire_ms  INTEGER NOT NULL,
  shard_id INTEGER NOT NULL,
  task_id  INTEGER NOT NULL,
  task     BLOB NOT NULL,             -- antiphon.internal.v1.TimerTask
  PRIMARY KEY (fire_ms, shard_id, task_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE replication_tasks (
  shard_id INTEGER NOT NULL,
  task_id  INTEGER NOT NULL,
  task     BLOB NOT NULL,             -- antiphon.internal.v1.ReplicationTask
  PRIMARY KEY (shard_id, task_id)
) STRICT, WITHOUT ROWID;
