-- Backlog tasks with a priority or a fairness key of their own, a lane of the list each: read lane by lane, so that a long lane hides no
-- other. A task leaves when it is done, whatever its place; the ack level of the list is not about these rows.

CREATE TABLE backlog_lane_tasks (
  list_no         INTEGER NOT NULL,
  priority        INTEGER NOT NULL,
  fairness_key    TEXT NOT NULL,
  task_id         INTEGER NOT NULL,
  fairness_weight REAL NOT NULL,
  workflow_id     TEXT NOT NULL,
  run_id          TEXT NOT NULL,
  schedule_id     INTEGER NOT NULL,
  attempt         INTEGER NOT NULL,
  created_ms      INTEGER NOT NULL,
  expires_ms      INTEGER NOT NULL,
  PRIMARY KEY (list_no, priority, fairness_key, task_id)
) STRICT, WITHOUT ROWID;
