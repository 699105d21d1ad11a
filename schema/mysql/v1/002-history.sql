-- Histories: a tree of branches per chain of resets and conflicts, each branch a sequence of batches of events ("nodes").

CREATE TABLE history_branches (
  tree_id   VARBINARY(255) NOT NULL,
  branch_id VARBINARY(255) NOT NULL,
  branch    LONGBLOB NOT NULL,            -- antiphon.internal.v1.HistoryBranch
  info      VARBINARY(4096) NOT NULL, -- "domainId:workflowId:runId"
  PRIMARY KEY (tree_id, branch_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Of two nodes with one id the larger txn id is the true one, so the smaller need not be kept.
CREATE TABLE history_nodes (
  tree_id     VARBINARY(255) NOT NULL,
  branch_id   VARBINARY(255) NOT NULL,
  node_id     BIGINT NOT NULL,         -- of the batch's first event
  txn_id      BIGINT NOT NULL,
  event_count BIGINT NOT NULL,
  crc         BIGINT NOT NULL,         -- of events, seeded with tree, branch and node id
  events      LONGBLOB NOT NULL, -- uber.cadence.api.v1.History
  PRIMARY KEY (tree_id, branch_id, node_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
