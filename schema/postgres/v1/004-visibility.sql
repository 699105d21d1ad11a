-- The visibility projection: one row a run, found by the common filters without a scan. Sort keys end in run_no, so that pages are stable.

CREATE TABLE visibility (
  run_no             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  domain_id          text COLLATE "C" NOT NULL,
  workflow_key       text COLLATE "C" NOT NULL,
  run_id             text COLLATE "C" NOT NULL,
  workflow_id        text COLLATE "C" NOT NULL,
  type_key           text COLLATE "C" NOT NULL,
  workflow_type      text COLLATE "C" NOT NULL,
  task_list          text COLLATE "C" NOT NULL,
  start_ms           bigint NOT NULL,
  execution_ms       bigint NOT NULL,
  close_ms           bigint,           -- null while open
  close_status       bigint NOT NULL,  -- api.v1.WorkflowExecutionCloseStatus; 0 while open
  history_length     bigint NOT NULL,
  is_cron            bigint NOT NULL,
  cron_schedule      text COLLATE "C" NOT NULL,
  update_ms          bigint NOT NULL,
  parent_workflow_id text COLLATE "C",
  parent_run_id      text COLLATE "C",
  version            bigint NOT NULL,  -- an older write never overwrites a newer
  num_clusters       bigint,
  cluster_scope      text COLLATE "C",
  cluster_name       text COLLATE "C",
  memo               bytea,            -- uber.cadence.api.v1.Memo
  search_attributes  bytea,            -- uber.cadence.api.v1.SearchAttributes, as given
  UNIQUE (domain_id, run_id, workflow_key)
) WITH (fillfactor = 80);
CREATE INDEX visibility_by_workflow ON visibility (domain_id, workflow_key, start_ms DESC, run_no DESC);
CREATE INDEX visibility_by_start ON visibility (domain_id, start_ms DESC, run_no DESC);
CREATE INDEX visibility_by_type ON visibility (domain_id, type_key, start_ms DESC, run_no DESC);
CREATE INDEX visibility_open ON visibility (domain_id, start_ms DESC, run_no DESC) WHERE close_ms IS NULL;
CREATE INDEX visibility_by_close ON visibility (domain_id, close_ms DESC, run_no DESC) WHERE close_ms IS NOT NULL;
-- Only what did not complete: few, and what people look for.
CREATE INDEX visibility_by_status ON visibility (domain_id, close_status, start_ms DESC, run_no DESC)
  WHERE close_status > 1;

-- Values of custom attributes. A text is in text_value, and in search_value too unless it is too long for an index; the words of a String
-- attribute, in lower case between blanks, are in words; numbers, times and booleans are in number_value.
CREATE TABLE visibility_values (
  run_no       bigint NOT NULL,        -- visibility.run_no
  attr_name    text COLLATE "C" NOT NULL,
  list_position bigint NOT NULL,       -- in its list, from 0
  domain_id    text COLLATE "C" NOT NULL,
  start_ms     bigint NOT NULL,
  text_value   text COLLATE "C",
  search_value text COLLATE "C",
  words        text COLLATE "C",
  number_value double precision,
  PRIMARY KEY (run_no, attr_name, list_position)
);
-- In start order within a value, so that a page of the newest needs no sort.
CREATE INDEX visibility_values_by_text ON visibility_values (domain_id, attr_name, search_value, start_ms DESC, run_no DESC)
  WHERE search_value IS NOT NULL;
CREATE INDEX visibility_values_by_number ON visibility_values (domain_id, attr_name, number_value, start_ms DESC, run_no DESC)
  WHERE number_value IS NOT NULL;

-- Runs that retention removed lately: a late write does not bring them back.
CREATE TABLE visibility_tombstones (
  domain_id    text COLLATE "C" NOT NULL,
  workflow_key text COLLATE "C" NOT NULL,
  run_id       text COLLATE "C" NOT NULL,
  removed_ms   bigint NOT NULL,
  PRIMARY KEY (domain_id, workflow_key, run_id)
);
CREATE INDEX visibility_tombstones_by_time ON visibility_tombstones (removed_ms);
