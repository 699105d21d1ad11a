-- Histories: a tree of branches per chain of resets and conflicts, each branch a sequence of batches of events ("nodes").

CREATE TABLE history_branches (
  tree_id   text COLLATE "C" NOT NULL,
  branch_id text COLLATE "C" NOT NULL,
  branch    bytea NOT NULL,            -- antiphon.internal.v1.HistoryBranch
  info      text COLLATE "C" NOT NULL, -- "domainId:workflowId:runId"
  PRIMARY KEY (tree_id, branch_id)
);

-- Of two nodes with one id the larger txn id is the true one, so the smaller need not be kept.
CREATE TABLE history_nodes (
  tree_id     text COLLATE "C" NOT NULL,
  branch_id   text COLLATE "C" NOT NULL,
  node_id     bigint NOT NULL,         -- of the batch's first event
  txn_id      bigint NOT NULL,
  event_count bigint NOT NULL,
  crc         bigint NOT NULL,         -- of events, seeded with tree, branch and node id
  events      bytea NOT NULL, -- uber.cadence.api.v1.History
  PRIMARY KEY (tree_id, branch_id, node_id)
);

-- These bytes do not compress.
ALTER TABLE history_nodes ALTER COLUMN events SET STORAGE EXTERNAL;
