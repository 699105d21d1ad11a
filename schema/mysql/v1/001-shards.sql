-- Everything a shard's commit writes, apart from histories. range_id is the fence of every commit: its row is locked and compared first.
-- Ids are VARBINARY: they compare by bytes, blanks at the end count. A *_key column has the id itself, or its beginning and its
-- hash where it is too long for an index.

CREATE TABLE shard_map (
  id    BIGINT PRIMARY KEY,
  epoch BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Shard = a range [from_hash, to_hash) of the 32-bit hash space of workflow ids.
CREATE TABLE shard_ranges (
  shard_id  BIGINT PRIMARY KEY,
  from_hash BIGINT NOT NULL,
  to_hash   BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE shards (
  shard_id BIGINT PRIMARY KEY,
  range_id BIGINT NOT NULL,
  info     LONGBLOB NOT NULL              -- antiphon.internal.v1.ShardInfo
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE executions (
  shard_id      BIGINT NOT NULL,
  domain_id     VARBINARY(255) NOT NULL,
  workflow_key  VARBINARY(270) NOT NULL,
  run_id        VARBINARY(255) NOT NULL,
  workflow_id   VARBINARY(3072) NOT NULL,
  next_event_id BIGINT NOT NULL,
  is_open       BIGINT NOT NULL,
  crc           BIGINT NOT NULL,       -- of record, seeded with run_id and next_event_id
  record        LONGBLOB NOT NULL, -- antiphon.internal.v1.ExecutionRecord
  PRIMARY KEY (shard_id, domain_id, workflow_key, run_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE signal_requests (
  shard_id     BIGINT NOT NULL,
  domain_id    VARBINARY(255) NOT NULL,
  workflow_key VARBINARY(270) NOT NULL,
  run_id       VARBINARY(255) NOT NULL,
  request_key  VARBINARY(270) NOT NULL,
  request_id   VARBINARY(3072) NOT NULL,
  PRIMARY KEY (shard_id, domain_id, workflow_key, run_id, request_key)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE current_runs (
  shard_id           BIGINT NOT NULL,
  domain_id          VARBINARY(255) NOT NULL,
  workflow_key       VARBINARY(270) NOT NULL,
  run_id             VARBINARY(255) NOT NULL,
  create_request_id  VARBINARY(3072) NOT NULL,
  is_open            BIGINT NOT NULL,
  close_status       BIGINT NOT NULL,
  last_write_version BIGINT NOT NULL,
  start_ms           BIGINT NOT NULL,
  PRIMARY KEY (shard_id, domain_id, workflow_key)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Recovery log of immediate work; deleted by range as the shard's ack level moves.
CREATE TABLE transfer_tasks (
  shard_id BIGINT NOT NULL,
  task_id  BIGINT NOT NULL,
  task     LONGBLOB NOT NULL, -- antiphon.internal.v1.TransferTask
  PRIMARY KEY (shard_id, task_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE timer_tasks (
  shard_id BIGINT NOT NULL,
  fire_ms  BIGINT NOT NULL,
  task_id  BIGINT NOT NULL,
  task     LONGBLOB NOT NULL, -- antiphon.internal.v1.TimerTask
  PRIMARY KEY (shard_id, fire_ms, task_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE replication_tasks (
  shard_id BIGINT NOT NULL,
  task_id  BIGINT NOT NULL,
  task     LONGBLOB NOT NULL, -- antiphon.internal.v1.ReplicationTask
  PRIMARY KEY (shard_id, task_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
