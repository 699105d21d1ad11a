-- The visibility projection: one row a run, found by the common filters without a scan. Sort keys end in run_no, so
-- that pages are stable.

CREATE TABLE visibility (
  run_no            INTEGER PRIMARY KEY,
  domain_id         TEXT NOT NULL,
  workflow_id       TEXT NOT NULL,
  run_id            TEXT NOT NULL,
  workflow_type     TEXT NOT NULL,
  task_list         TEXT NOT NULL,
  start_ms          INTEGER NOT NULL,
  execution_ms      INTEGER NOT NULL,
  close_ms          INTEGER,          -- null while open
  close_status      INTEGER NOT NULL, -- api.v1.WorkflowExecutionCloseStatus; 0 while open
  history_length    INTEGER NOT NULL,
  is_cron           INTEGER NOT NULL,
  cron_schedule     TEXT NOT NULL,
  update_ms         INTEGER NOT NULL,
  parent_workflow_id TEXT,
  parent_run_id     TEXT,
  version           INTEGER NOT NULL, -- an older write never overwrites a newer
  memo              BLOB,             -- uber.cadence.api.v1.Memo
  search_attributes BLOB,             -- uber.cadence.api.v1.SearchAttributes, as given
  attributes        TEXT              -- their decoded values as one JSON object, for queries
) STRICT;
CREATE UNIQUE INDEX visibility_by_run ON visibility (domain_id, run_id, workflow_id);
CREATE INDEX visibility_by_workflow ON visibility (domain_id, workflow_id, start_ms DESC, run_no DESC);
CREATE INDEX visibility_by_start ON visibility (domain_id, start_ms DESC, run_no DESC);
CREATE INDEX visibility_by_type ON visibility (domain_id, workflow_type, start_ms DESC, run_no DESC);
CREATE INDEX visibility_open ON visibility (domain_id, start_ms DESC, run_no DESC) WHERE close_ms IS NULL;
CREATE INDEX visibility_by_close ON visibility (domain_id, close_ms DESC, run_no DESC) WHERE close_ms IS NOT NULL;
-- Only what did not complete: few, and what people look for.
CREATE INDEX visibility_by_status ON visibility (domain_id, close_status, start_ms DESC, run_no DESC)
  WHERE close_status > 1;

-- Values of custom attributes, to find runs by one without reading all runs of a domain; kept by the triggers below.
-- In start order within a value, so that a page of the newest needs no sort. Long texts are left out.
CREATE TABLE visibility_values (
  attr_domain TEXT NOT NULL,
  attr_name   TEXT NOT NULL,
  attr_value  ANY NOT NULL,
  attr_start  INTEGER NOT NULL,
  attr_run    INTEGER NOT NULL,       -- visibility.run_no
  PRIMARY KEY (attr_domain, attr_name, attr_value, attr_start DESC, attr_run DESC)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER visibility_values_insert AFTER INSERT ON visibility WHEN NEW.attributes IS NOT NULL
BEGIN
  INSERT OR IGNORE INTO visibility_values
  SELECT NEW.domain_id, a.key, v.value, NEW.start_ms, NEW.run_no
  FROM json_each(NEW.attributes) a,
       json_each(CASE a.type WHEN 'array' THEN a.value ELSE json_array(a.value) END) v
  WHERE length(v.value) <= 255;
END;

CREATE TRIGGER visibility_values_update AFTER UPDATE OF attributes ON visibility
WHEN OLD.attributes IS NOT NEW.attributes
BEGIN
  DELETE FROM visibility_values
  WHERE (attr_domain, attr_name, attr_value, attr_start, attr_run) IN (
    SELECT OLD.domain_id, a.key, v.value, OLD.start_ms, OLD.run_no
    FROM json_each(OLD.attributes) a,
         json_each(CASE a.type WHEN 'array' THEN a.value ELSE json_array(a.value) END) v);
  INSERT OR IGNORE INTO visibility_values
  SELECT NEW.domain_id, a.key, v.value, NEW.start_ms, NEW.run_no
  FROM json_each(NEW.attributes) a,
       json_each(CASE a.type WHEN 'array' THEN a.value ELSE json_array(a.value) END) v
  WHERE length(v.value) <= 255;
END;

CREATE TRIGGER visibility_values_delete AFTER DELETE ON visibility WHEN OLD.attributes IS NOT NULL
BEGIN
  DELETE FROM visibility_values
  WHERE (attr_domain, attr_name, attr_value, attr_start, attr_run) IN (
    SELECT OLD.domain_id, a.key, v.value, OLD.start_ms, OLD.run_no
    FROM json_each(OLD.attributes) a,
         json_each(CASE a.type WHEN 'array' THEN a.value ELSE json_array(a.value) END) v);
END;

-- Runs that retention removed lately: a late write does not bring them back.
CREATE TABLE visibility_tombstones (
  tombstone_no INTEGER PRIMARY KEY,
  domain_id    TEXT NOT NULL,
  workflow_id  TEXT NOT NULL,
  run_id       TEXT NOT NULL,
  removed_ms   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX visibility_tombstones_by_run ON visibility_tombstones (domain_id, workflow_id, run_id);
CREATE INDEX visibility_tombstones_by_time ON visibility_tombstones (removed_ms);

-- What the planner shall assume, whatever the store holds: rows, then rows per value of each prefix of the index. Without it SQLite
-- would walk a domain in sort order to find one workflow. ANALYZE creates the table, and its second run loads it.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('visibility', 'visibility_by_run', '1000000 200000 1 1'),
  ('visibility', 'visibility_by_workflow', '1000000 200000 3 2 1'),
  ('visibility', 'visibility_by_start', '1000000 200000 2 1'),
  ('visibility', 'visibility_by_type', '1000000 200000 60000 2 1'),
  ('visibility', 'visibility_open', '10000 2000 2 1'),
  ('visibility', 'visibility_by_close', '1000000 200000 2 1'),
  ('visibility', 'visibility_by_status', '20000 4000 1000 2 1');
ANALYZE sqlite_schema;
