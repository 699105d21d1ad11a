-- Histories: a tree of branches per chain of resets and conflicts, each branch a sequence of batches of events
-- ("nodes").

CREATE TABLE history_branches (
  branch_no INTEGER PRIMARY KEY,
  tree_id   TEXT NOT NULL,
  branch_id TEXT NOT NULL,
  branch    BLOB NOT NULL,            -- antiphon.internal.v1.HistoryBranch
  info      TEXT NOT NULL,            -- "domainId:workflowId:runId"
  is_live   INTEGER NOT NULL          -- 0: the branch is deleted, but others still refer to nodes of it
) STRICT;
CREATE UNIQUE INDEX history_branches_by_id ON history_branches (tree_id, branch_id);

-- Of two nodes with one id the larger txn id is the true one, so the smaller need not be kept.
CREATE TABLE history_nodes (
  node_key    INTEGER PRIMARY KEY,    -- branch_no * 2^24 + id of the batch's first event
  txn_id      INTEGER NOT NULL,
  event_count INTEGER NOT NULL,
  crc         INTEGER NOT NULL,       -- of events, seeded with tree, branch and node id
  events      BLOB NOT NULL           -- uber.cadence.api.v1.History
) STRICT;
