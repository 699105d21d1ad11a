-- What the services beside the shards keep: task list backlogs, domains, the embedded log, small named values.

CREATE TABLE task_lists (
  list_no    INTEGER PRIMARY KEY AUTOINCREMENT,
  domain_id  TEXT NOT NULL,
  name       TEXT NOT NULL,
  type       INTEGER NOT NULL,
  kind       INTEGER NOT NULL,
  range_id   INTEGER NOT NULL,
  ack_level  INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX task_lists_by_name ON task_lists (domain_id, name, type);

CREATE TABLE backlog_tasks (
  list_no      INTEGER NOT NULL,
  task_id      INTEGER NOT NULL,
  workflow_id  TEXT NOT NULL,
  run_id       TEXT NOT NULL,
  schedule_id  INTEGER NOT NULL,
  attempt      INTEGER NOT NULL,
  created_ms   INTEGER NOT NULL,
  expires_ms   INTEGER NOT NULL,
  priority     INTEGER NOT NULL,
  fairness_key TEXT NOT NULL,
  PRIMARY KEY (list_no, task_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE domains (
  id                   TEXT PRIMARY KEY,
  name                 TEXT NOT NULL UNIQUE,
  notification_version INTEGER NOT NULL,
  record               BLOB NOT NULL  -- antiphon.internal.v1.DomainRecord
) STRICT, WITHOUT ROWID;

CREATE TABLE domain_notification (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL
) STRICT;
INSERT INTO domain_notification (id, version) VALUES (1, 0);

-- last_offset outlives trimmed entries: an offset is never handed out twice.
CREATE TABLE log_partitions (
  log_no      INTEGER PRIMARY KEY,
  topic       TEXT NOT NULL,
  partition   INTEGER NOT NULL,
  last_offset INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX log_partitions_by_topic ON log_partitions (topic, partition);

CREATE TABLE log_entries (
  log_no       INTEGER NOT NULL,
  entry_offset INTEGER NOT NULL,
  entry_key    TEXT NOT NULL,
  time_ms      INTEGER NOT NULL,
  value        BLOB NOT NULL,
  PRIMARY KEY (log_no, entry_offset)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_positions (
  consumer       TEXT NOT NULL,
  topic          TEXT NOT NULL,
  partition      INTEGER NOT NULL,
  applied_offset INTEGER NOT NULL,
  PRIMARY KEY (consumer, topic, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_values (
  bucket  TEXT NOT NULL,
  key     TEXT NOT NULL,
  version INTEGER NOT NULL,
  value   BLOB NOT NULL,
  PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;
