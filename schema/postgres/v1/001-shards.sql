-- Everything a shard's commit writes, apart from histories. range_id is the fence of every commit: its row is locked and compared first.
-- Texts compare by bytes (COLLATE "C"), whatever the locale of the database. A *_key column has the id itself, or its beginning and its
-- hash where it is too long for an index.

CREATE TABLE shard_map (
  id    bigint PRIMARY KEY CHECK (id = 1),
  epoch bigint NOT NULL
);

-- Shard = a range [from_hash, to_hash) of the 32-bit hash space of workflow ids.
CREATE TABLE shard_ranges (
  shard_id  bigint PRIMARY KEY,
  from_hash bigint NOT NULL,
  to_hash   bigint NOT NULL
);

CREATE TABLE shards (
  shard_id bigint PRIMARY KEY,
  range_id bigint NOT NULL,
  info     bytea NOT NULL              -- antiphon.internal.v1.ShardInfo
) WITH (fillfactor = 50);

CREATE TABLE executions (
  shard_id      bigint NOT NULL,
  domain_id     text COLLATE "C" NOT NULL,
  workflow_key  text COLLATE "C" NOT NULL,
  run_id        text COLLATE "C" NOT NULL,
  workflow_id   text COLLATE "C" NOT NULL,
  next_event_id bigint NOT NULL,
  is_open       bigint NOT NULL,
  crc           bigint NOT NULL,       -- of record, seeded with run_id and next_event_id
  record        bytea NOT NULL, -- antiphon.internal.v1.ExecutionRecord
  PRIMARY KEY (shard_id, domain_id, workflow_key, run_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE signal_requests (
  shard_id     bigint NOT NULL,
  domain_id    text COLLATE "C" NOT NULL,
  workflow_key text COLLATE "C" NOT NULL,
  run_id       text COLLATE "C" NOT NULL,
  request_key  text COLLATE "C" NOT NULL,
  request_id   text COLLATE "C" NOT NULL,
  PRIMARY KEY (shard_id, domain_id, workflow_key, run_id, request_key)
);

CREATE TABLE current_runs (
  shard_id           bigint NOT NULL,
  domain_id          text COLLATE "C" NOT NULL,
  workflow_key       text COLLATE "C" NOT NULL,
  run_id             text COLLATE "C" NOT NULL,
  create_request_id  text COLLATE "C" NOT NULL,
  is_open            bigint NOT NULL,
  close_status       bigint NOT NULL,
  last_write_version bigint NOT NULL,
  start_ms           bigint NOT NULL,
  PRIMARY KEY (shard_id, domain_id, workflow_key)
) WITH (fillfactor = 70);

-- Recovery log of immediate work; deleted by range as the shard's ack level moves.
CREATE TABLE transfer_tasks (
  shard_id bigint NOT NULL,
  task_id  bigint NOT NULL,
  task     bytea NOT NULL, -- antiphon.internal.v1.TransferTask
  PRIMARY KEY (shard_id, task_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE timer_tasks (
  shard_id bigint NOT NULL,
  fire_ms  bigint NOT NULL,
  task_id  bigint NOT NULL,
  task     bytea NOT NULL, -- antiphon.internal.v1.TimerTask
  PRIMARY KEY (shard_id, fire_ms, task_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE replication_tasks (
  shard_id bigint NOT NULL,
  task_id  bigint NOT NULL,
  task     bytea NOT NULL, -- antiphon.internal.v1.ReplicationTask
  PRIMARY KEY (shard_id, task_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- These bytes do not compress.
ALTER TABLE executions ALTER COLUMN record SET STORAGE EXTERNAL;
ALTER TABLE transfer_tasks ALTER COLUMN task SET STORAGE EXTERNAL;
ALTER TABLE timer_tasks ALTER COLUMN task SET STORAGE EXTERNAL;
ALTER TABLE replication_tasks ALTER COLUMN task SET STORAGE EXTERNAL;
