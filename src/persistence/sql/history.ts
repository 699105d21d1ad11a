// The history port on SQL: nodes by tree, branch and first event id, read a bounded number of rows at a time.
import { HistoryBranch } from '@antiphon/proto/internal';
import { type BranchSegment, readBranchPageAsync, unreferencedNodes } from '../branch-reading.ts';
import { checksum, decoded, verified } from '../checksum.ts';
import type { BranchRow, HistoryNode, HistoryStore } from '../ports.ts';
import type { SqlDatabase } from './database.ts';
import { rowsOf, type SqlStatement, sql } from './statement.ts';

const BRANCHES = {
  name: 'history_branches',
  columns: { tree_id: 'text', branch_id: 'text', branch: 'bytes', info: 'text' },
  key: ['tree_id', 'branch_id'],
} as const;
const NODES = {
  name: 'history_nodes',
  columns: {
    tree_id: 'text',
    branch_id: 'text',
    node_id: 'integer',
    event_count: 'integer',
    crc: 'integer',
    events: 'bytes',
    txn_id: 'integer',
  },
  key: ['tree_id', 'branch_id', 'node_id'],
} as const;
const NODES_PER_READ_MAX = 200;

interface NodeRow {
  readonly node_id: number;
  readonly txn_id: number;
  readonly event_count: number;
  readonly crc: number;
  readonly events: Uint8Array;
}

export interface SqlHistory extends HistoryStore {
  /** The history part of a shard's commit. */
  writes(nodes: readonly HistoryNode[], branches: readonly BranchRow[]): readonly SqlStatement[];
}

const ownerOf = (treeId: string, branchId: string): string => `${treeId}/${branchId}`;

/** Of the nodes of one id that with the largest txn id. */
function trueNodes(nodes: readonly HistoryNode[]): readonly HistoryNode[] {
  const byId = new Map<string, HistoryNode>();
  for (const node of nodes) {
    const id = `${node.nodeId}/${ownerOf(node.treeId, node.branchId)}`;
    const other = byId.get(id);
    if (other === undefined || other.txnId <= node.txnId) byId.set(id, node);
  }
  return [...byId.values()];
}

export function createSqlHistory(database: SqlDatabase): SqlHistory {
  const { dialect } = database;

  const writes = (nodes: readonly HistoryNode[], branches: readonly BranchRow[]): readonly SqlStatement[] => {
    const branchRows = new Map(
      branches.map(({ branch, info }) => [
        ownerOf(branch.treeId, branch.branchId),
        [branch.treeId, branch.branchId, HistoryBranch.encode(branch).finish(), info],
      ]),
    );
    const nodeRows = trueNodes(nodes).map(({ treeId, branchId, nodeId, txnId, blob, eventCount }) => {
      const crc = checksum(blob, ownerOf(treeId, branchId), nodeId);
      return [treeId, branchId, nodeId, eventCount, crc, blob, txnId];
    });
    return [
      ...dialect.insert(BRANCHES, [...branchRows.values()], 'replace'),
      ...dialect.insert(NODES, nodeRows, { newest: 'txn_id' }),
    ];
  };

  async function* loadSegment(treeId: string, segment: BranchSegment, limit: number): AsyncIterable<HistoryNode> {
    const { branchId } = segment;
    const owner = ownerOf(treeId, branchId);
    const text = `SELECT node_id, txn_id, event_count, crc, events FROM history_nodes
      WHERE tree_id = ? AND branch_id = ? AND node_id >= ? AND node_id < ? ORDER BY node_id LIMIT ?`;
    let from = segment.fromNodeId;
    for (;;) {
      const statement = sql(text, treeId, branchId, from, segment.toNodeId, limit);
      const rows = rowsOf<NodeRow>((await database.read('readBranch', [statement]))[0]);
      for (const row of rows) {
        const nodeId = row.node_id;
        const describe = (): string => `events from ${nodeId} of history branch ${owner}`;
        const blob = verified(row.events, row.crc, { owner, number: nodeId }, describe);
        yield { treeId, branchId, nodeId, txnId: row.txn_id, blob, eventCount: row.event_count };
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < limit) return;
      from = last.node_id + 1;
    }
  }

  const branchesOf = (treeId: string, lock: '' | ' FOR UPDATE') =>
    sql(`SELECT branch, info FROM history_branches WHERE tree_id = ? ORDER BY branch_id${lock}`, treeId);
  const branchRowOf = (treeId: string, row: { branch: Uint8Array; info: string }): BranchRow => ({
    branch: decoded(HistoryBranch, row.branch, `history tree ${treeId}`),
    info: row.info,
  });

  return {
    writes,
    readBranch: (branch, range, options) => {
      // A node has an event at least; one more row tells whether there is another page.
      const limit = Math.min(NODES_PER_READ_MAX, Math.max(1, options.minEvents) + 1);
      return readBranchPageAsync(branch, range, options, (segment) => loadSegment(branch.treeId, segment, limit));
    },
    listBranches: async (treeId) => {
      const [result] = await database.read('listBranches', [branchesOf(treeId, '')]);
      return rowsOf<{ branch: Uint8Array; info: string }>(result).map((row) => branchRowOf(treeId, row));
    },
    appendNodes: (nodes, branches) =>
      database.transact('appendNodes', { decide: () => ({ writes: writes(nodes, branches), value: undefined }) }),
    deleteBranch: (branch) =>
      database.transact('deleteBranch', {
        first: [branchesOf(branch.treeId, ' FOR UPDATE')],
        decide: ([found]) => {
          const { treeId, branchId } = branch;
          const remaining = rowsOf<{ branch: Uint8Array; info: string }>(found)
            .map((row) => branchRowOf(treeId, row).branch)
            .filter((other) => other.branchId !== branchId);
          const dropped = sql('DELETE FROM history_branches WHERE tree_id = ? AND branch_id = ?', treeId, branchId);
          const nodes = unreferencedNodes(branch, remaining).map((unreferenced) =>
            sql(
              'DELETE FROM history_nodes WHERE tree_id = ? AND branch_id = ? AND node_id >= ?',
              treeId,
              unreferenced.branchId,
              unreferenced.fromNodeId,
            ),
          );
          return { writes: [dropped, ...nodes], value: undefined };
        },
      }),
  };
}
