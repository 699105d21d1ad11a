-- What the services beside the shards keep: task list backlogs, domains, the embedded log, small named values, the audit.

CREATE TABLE task_lists (
  list_no    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  domain_id  text COLLATE "C" NOT NULL,
  name_key   text COLLATE "C" NOT NULL,
  type       bigint NOT NULL,
  name       text COLLATE "C" NOT NULL,
  kind       bigint NOT NULL,
  range_id   bigint NOT NULL,
  ack_level  bigint NOT NULL,
  updated_ms bigint NOT NULL,
  UNIQUE (domain_id, name_key, type)
) WITH (fillfactor = 70);

CREATE TABLE backlog_tasks (
  list_no      bigint NOT NULL,
  task_id      bigint NOT NULL,
  workflow_id  text COLLATE "C" NOT NULL,
  run_id       text COLLATE "C" NOT NULL,
  schedule_id  bigint NOT NULL,
  attempt      bigint NOT NULL,
  created_ms   bigint NOT NULL,
  expires_ms   bigint NOT NULL,
  PRIMARY KEY (list_no, task_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- Tasks with a priority or a fairness key of their own, a lane of the list each. A task leaves when it is done, whatever its place; the ack
-- level of the list is not about these rows.
CREATE TABLE backlog_lane_tasks (
  list_no         bigint NOT NULL,
  priority        bigint NOT NULL,
  fairness_key    text COLLATE "C" NOT NULL,
  task_id         bigint NOT NULL,
  fairness_weight double precision NOT NULL,
  workflow_id     text COLLATE "C" NOT NULL,
  run_id          text COLLATE "C" NOT NULL,
  schedule_id     bigint NOT NULL,
  attempt         bigint NOT NULL,
  created_ms      bigint NOT NULL,
  expires_ms      bigint NOT NULL,
  PRIMARY KEY (list_no, priority, fairness_key, task_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE domains (
  id                   text COLLATE "C" PRIMARY KEY,
  name_key             text COLLATE "C" NOT NULL UNIQUE,
  notification_version bigint NOT NULL,
  record               bytea NOT NULL  -- antiphon.internal.v1.DomainRecord
);

CREATE TABLE domain_notification (
  id      bigint PRIMARY KEY CHECK (id = 1),
  version bigint NOT NULL
);
INSERT INTO domain_notification (id, version) VALUES (1, 0);

-- last_offset outlives trimmed entries: an offset is never handed out twice.
CREATE TABLE log_partitions (
  topic        text COLLATE "C" NOT NULL,
  partition_no bigint NOT NULL,
  last_offset  bigint NOT NULL,
  PRIMARY KEY (topic, partition_no)
) WITH (fillfactor = 50);

CREATE TABLE log_entries (
  topic        text COLLATE "C" NOT NULL,
  partition_no bigint NOT NULL,
  entry_offset bigint NOT NULL,
  entry_key    text COLLATE "C" NOT NULL,
  time_ms      bigint NOT NULL,
  value        bytea NOT NULL,
  PRIMARY KEY (topic, partition_no, entry_offset)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE log_positions (
  consumer       text COLLATE "C" NOT NULL,
  topic          text COLLATE "C" NOT NULL,
  partition_no   bigint NOT NULL,
  applied_offset bigint NOT NULL,
  PRIMARY KEY (consumer, topic, partition_no)
) WITH (fillfactor = 50);

CREATE TABLE key_values (
  bucket     text COLLATE "C" NOT NULL,
  entry_key  text COLLATE "C" NOT NULL,
  entry_name text COLLATE "C" NOT NULL, -- the whole key
  version    bigint NOT NULL,
  value      bytea NOT NULL,
  PRIMARY KEY (bucket, entry_key)
);

-- Who changed what: one row a call that changes domains or the cluster, written before the call is done and completed after it.
CREATE TABLE audit (
  audit_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  time_ms      bigint NOT NULL,
  principal    text COLLATE "C" NOT NULL,
  caller_name  text COLLATE "C" NOT NULL,
  peer         text COLLATE "C" NOT NULL,
  operation    text COLLATE "C" NOT NULL,
  domain       text COLLATE "C" NOT NULL,
  request      text COLLATE "C" NOT NULL,      -- JSON
  before_state text COLLATE "C" NOT NULL,      -- JSON
  after_state  text COLLATE "C" NOT NULL,      -- JSON
  outcome      text COLLATE "C" NOT NULL,
  message      text COLLATE "C" NOT NULL
);
CREATE INDEX audit_by_time ON audit (time_ms);

-- These bytes do not compress.
ALTER TABLE log_entries ALTER COLUMN value SET STORAGE EXTERNAL;
