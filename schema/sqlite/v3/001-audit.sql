-- Who changed what: one row a call that changes domains or the cluster, written before the call is done and completed after it.

CREATE TABLE audit (
  audit_id    INTEGER PRIMARY KEY AUTOINCREMENT,
  time_ms     INTEGER NOT NULL,
  principal   TEXT NOT NULL,
  caller_name TEXT NOT NULL,
  peer        TEXT NOT NULL,
  operation   TEXT NOT NULL,
  domain      TEXT NOT NULL,
  request     TEXT NOT NULL,          -- JSON
  before      TEXT NOT NULL,          -- JSON
  after       TEXT NOT NULL,          -- JSON
  outcome     TEXT NOT NULL,
  message     TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (time_ms);
CREATE INDEX audit_by_domain ON audit (domain, audit_id);
