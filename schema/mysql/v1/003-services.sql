-- What the services beside the shards keep: task list backlogs, domains, the embedded log, small named values, the audit.

CREATE TABLE task_lists (
  list_no    BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  domain_id  VARBINARY(255) NOT NULL,
  name_key   VARBINARY(270) NOT NULL,
  type       BIGINT NOT NULL,
  name       VARBINARY(3072) NOT NULL,
  kind       BIGINT NOT NULL,
  range_id   BIGINT NOT NULL,
  ack_level  BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  UNIQUE (domain_id, name_key, type)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE backlog_tasks (
  list_no      BIGINT NOT NULL,
  task_id      BIGINT NOT NULL,
  workflow_id  VARBINARY(3072) NOT NULL,
  run_id       VARBINARY(255) NOT NULL,
  schedule_id  BIGINT NOT NULL,
  attempt      BIGINT NOT NULL,
  created_ms   BIGINT NOT NULL,
  expires_ms   BIGINT NOT NULL,
  PRIMARY KEY (list_no, task_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Tasks with a priority or a fairness key of their own, a lane of the list each. A task leaves when it is done, whatever its place; the ack
-- level of the list is not about these rows.
CREATE TABLE backlog_lane_tasks (
  list_no         BIGINT NOT NULL,
  priority        BIGINT NOT NULL,
  fairness_key    VARBINARY(270) NOT NULL,
  task_id         BIGINT NOT NULL,
  fairness_weight DOUBLE NOT NULL,
  workflow_id     VARBINARY(3072) NOT NULL,
  run_id          VARBINARY(255) NOT NULL,
  schedule_id     BIGINT NOT NULL,
  attempt         BIGINT NOT NULL,
  created_ms      BIGINT NOT NULL,
  expires_ms      BIGINT NOT NULL,
  PRIMARY KEY (list_no, priority, fairness_key, task_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE domains (
  id                   VARBINARY(255) PRIMARY KEY,
  name_key             VARBINARY(270) NOT NULL UNIQUE,
  notification_version BIGINT NOT NULL,
  record               LONGBLOB NOT NULL  -- antiphon.internal.v1.DomainRecord
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE domain_notification (
  id      BIGINT PRIMARY KEY,
  version BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO domain_notification (id, version) VALUES (1, 0) ON DUPLICATE KEY UPDATE id = id;

-- last_offset outlives trimmed entries: an offset is never handed out twice.
CREATE TABLE log_partitions (
  topic        VARBINARY(255) NOT NULL,
  partition_no BIGINT NOT NULL,
  last_offset  BIGINT NOT NULL,
  PRIMARY KEY (topic, partition_no)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE log_entries (
  topic        VARBINARY(255) NOT NULL,
  partition_no BIGINT NOT NULL,
  entry_offset BIGINT NOT NULL,
  entry_key    VARBINARY(4096) NOT NULL,
  time_ms      BIGINT NOT NULL,
  value        LONGBLOB NOT NULL,
  PRIMARY KEY (topic, partition_no, entry_offset)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE log_positions (
  consumer       VARBINARY(255) NOT NULL,
  topic          VARBINARY(255) NOT NULL,
  partition_no   BIGINT NOT NULL,
  applied_offset BIGINT NOT NULL,
  PRIMARY KEY (consumer, topic, partition_no)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE key_values (
  bucket     VARBINARY(255) NOT NULL,
  entry_key  VARBINARY(720) NOT NULL,
  entry_name VARBINARY(4096) NOT NULL, -- the whole key
  version    BIGINT NOT NULL,
  value      LONGBLOB NOT NULL,
  PRIMARY KEY (bucket, entry_key)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Who changed what: one row a call that changes domains or the cluster, written before the call is done and completed after it.
CREATE TABLE audit (
  audit_id     BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  time_ms      BIGINT NOT NULL,
  principal    LONGTEXT NOT NULL,
  caller_name  LONGTEXT NOT NULL,
  peer         LONGTEXT NOT NULL,
  operation    LONGTEXT NOT NULL,
  domain       LONGTEXT NOT NULL,
  request      LONGTEXT NOT NULL,      -- JSON
  before_state LONGTEXT NOT NULL,      -- JSON
  after_state  LONGTEXT NOT NULL,      -- JSON
  outcome      LONGTEXT NOT NULL,
  message      LONGTEXT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX audit_by_time ON audit (time_ms);
