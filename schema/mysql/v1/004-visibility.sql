-- The visibility projection: one row a run, found by the common filters without a scan. Sort keys end in run_no, so that pages are stable.

CREATE TABLE visibility (
  run_no             BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  domain_id          VARBINARY(255) NOT NULL,
  workflow_key       VARBINARY(270) NOT NULL,
  run_id             VARBINARY(255) NOT NULL,
  workflow_id        VARBINARY(3072) NOT NULL,
  type_key           VARBINARY(270) NOT NULL,
  workflow_type      VARBINARY(3072) NOT NULL,
  task_list          VARBINARY(3072) NOT NULL,
  start_ms           BIGINT NOT NULL,
  execution_ms       BIGINT NOT NULL,
  close_ms           BIGINT,           -- null while open
  close_status       BIGINT NOT NULL,  -- api.v1.WorkflowExecutionCloseStatus; 0 while open
  history_length     BIGINT NOT NULL,
  is_cron            BIGINT NOT NULL,
  cron_schedule      VARBINARY(3072) NOT NULL,
  update_ms          BIGINT NOT NULL,
  parent_workflow_id VARBINARY(3072),
  parent_run_id      VARBINARY(3072),
  version            BIGINT NOT NULL,  -- an older write never overwrites a newer
  num_clusters       BIGINT,
  cluster_scope      VARBINARY(3072),
  cluster_name       VARBINARY(3072),
  memo               LONGBLOB,            -- uber.cadence.api.v1.Memo
  search_attributes  LONGBLOB,            -- uber.cadence.api.v1.SearchAttributes, as given
  UNIQUE (domain_id, run_id, workflow_key)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX visibility_by_workflow ON visibility (domain_id, workflow_key, start_ms DESC, run_no DESC);
CREATE INDEX visibility_by_start ON visibility (domain_id, start_ms DESC, run_no DESC);
CREATE INDEX visibility_by_type ON visibility (domain_id, type_key, start_ms DESC, run_no DESC);
CREATE INDEX visibility_open ON visibility (domain_id, close_ms, start_ms DESC, run_no DESC);
CREATE INDEX visibility_by_close ON visibility (domain_id, close_ms DESC, run_no DESC);
CREATE INDEX visibility_by_status ON visibility (domain_id, close_status, start_ms DESC, run_no DESC);

-- Values of custom attributes. A text is in text_value, and in search_value too unless it is too long for an index; the words of a String
-- attribute, in lower case between blanks, are in words; numbers, times and booleans are in number_value.
CREATE TABLE visibility_values (
  run_no       BIGINT NOT NULL,        -- visibility.run_no
  attr_name    VARBINARY(255) NOT NULL,
  list_position BIGINT NOT NULL,       -- in its list, from 0
  domain_id    VARBINARY(255) NOT NULL,
  start_ms     BIGINT NOT NULL,
  text_value   LONGBLOB,
  search_value VARBINARY(270),
  words        LONGBLOB,
  number_value DOUBLE,
  PRIMARY KEY (run_no, attr_name, list_position)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- In start order within a value, so that a page of the newest needs no sort.
CREATE INDEX visibility_values_by_text ON visibility_values (domain_id, attr_name, search_value, start_ms DESC, run_no DESC);
CREATE INDEX visibility_values_by_number ON visibility_values (domain_id, attr_name, number_value, start_ms DESC, run_no DESC);

-- Runs that retention removed lately: a late write does not bring them back.
CREATE TABLE visibility_tombstones (
  domain_id    VARBINARY(255) NOT NULL,
  workflow_key VARBINARY(270) NOT NULL,
  run_id       VARBINARY(255) NOT NULL,
  removed_ms   BIGINT NOT NULL,
  PRIMARY KEY (domain_id, workflow_key, run_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX visibility_tombstones_by_time ON visibility_tombstones (removed_ms);
