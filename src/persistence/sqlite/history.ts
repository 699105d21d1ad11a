// The history port on SQLite. A branch has a small growing number, and a node's key is that number and its first
// event id in one integer: nodes of runs of one time lie together, and no UUID is repeated per node.
import { HistoryBranch } from '@antiphon/proto/internal';
import { LRUCache } from 'lru-cache';
import { assert } from '#base';
import { type BranchSegment, readBranchPage, unreferencedNodes } from '../branch-reading.ts';
import { checksum, decoded, verified } from '../checksum.ts';
import type { BranchRow, HistoryNode, HistoryStore } from '../ports.ts';
import type { SqliteDatabase } from './database.ts';

const NODE_ID_LIMIT = 2 ** 24;
const BRANCH_NUMBERS_CACHED = 20_000;

interface NodeRow {
  readonly node_key: number;
  readonly txn_id: number;
  readonly event_count: number;
  readonly crc: number;
  readonly events: Buffer;
}

interface BranchNumberRow {
  readonly branch_no: number;
}

export interface SqliteHistory extends HistoryStore {
  /** Inside a write: the history part of a shard's commit. */
  writeNodes(nodes: readonly HistoryNode[], branches: readonly BranchRow[]): void;
}

function prepareStatements({ connection }: SqliteDatabase) {
  return {
    putBranch: connection.prepare<[string, string, Uint8Array, string], BranchNumberRow>(
      `INSERT INTO history_branches (tree_id, branch_id, branch, info, is_live) VALUES (?, ?, ?, ?, 1)
       ON CONFLICT (tree_id, branch_id) DO UPDATE SET branch = excluded.branch, info = excluded.info, is_live = 1
       RETURNING branch_no`,
    ),
    putHiddenBranch: connection.prepare<[string, string, Uint8Array], BranchNumberRow>(
      `INSERT INTO history_branches (tree_id, branch_id, branch, info, is_live) VALUES (?, ?, ?, '', 0)
       RETURNING branch_no`,
    ),
    branchNumber: connection.prepare<[string, string], BranchNumberRow>(
      'SELECT branch_no FROM history_branches WHERE tree_id = ? AND branch_id = ?',
    ),
    branchInfo: connection.prepare<[number], { info: string }>('SELECT info FROM history_branches WHERE branch_no = ?'),
    liveBranches: connection.prepare<[string], { branch: Buffer; info: string }>(
      'SELECT branch, info FROM history_branches WHERE tree_id = ? AND is_live = 1 ORDER BY branch_no',
    ),
    hideBranch: connection.prepare<[string, string]>(
      'UPDATE history_branches SET is_live = 0 WHERE tree_id = ? AND branch_id = ?',
    ),
    dropBranch: connection.prepare<[number]>('DELETE FROM history_branches WHERE branch_no = ? AND is_live = 0'),
    putNode: connection.prepare<[number, number, number, number, Uint8Array]>(
      `INSERT INTO history_nodes (node_key, txn_id, event_count, crc, events) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (node_key) DO UPDATE
       SET txn_id = excluded.txn_id, event_count = excluded.event_count, crc = excluded.crc, events = excluded.events
       WHERE excluded.txn_id >= history_nodes.txn_id`,
    ),
    nodes: connection.prepare<[number, number], NodeRow>(
      `SELECT node_key, txn_id, event_count, crc, events FROM history_nodes
       WHERE node_key >= ? AND node_key < ? ORDER BY node_key`,
    ),
    deleteNodes: connection.prepare<[number, number]>('DELETE FROM history_nodes WHERE node_key >= ? AND node_key < ?'),
  };
}

export function createSqliteHistory(database: SqliteDatabase): SqliteHistory {
  const sql = prepareStatements(database);
  const numbers = new LRUCache<string, number>({ max: BRANCH_NUMBERS_CACHED });
  database.onUndo(() => numbers.clear());
  const branchName = (treeId: string, branchId: string): string => `${treeId}/${branchId}`;

  const findNumber = (treeId: string, branchId: string): number | undefined => {
    const key = branchName(treeId, branchId);
    const known = numbers.get(key) ?? sql.branchNumber.get(treeId, branchId)?.branch_no;
    if (known !== undefined) numbers.set(key, known);
    return known;
  };
  // Nodes may come before their branch's row (a conflict branch being fetched): a row that is not listed holds their
  // number.
  const numberFor = (treeId: string, branchId: string): number => {
    const known = findNumber(treeId, branchId);
    if (known !== undefined) return known;
    const branch = HistoryBranch.encode({ treeId, branchId, ancestors: [] }).finish();
    const created = sql.putHiddenBranch.get(treeId, branchId, branch)?.branch_no;
    assert(created !== undefined, 'an insert returns its row');
    return created;
  };

  const writeNodes = (nodes: readonly HistoryNode[], branches: readonly BranchRow[]): void => {
    for (const { branch, info } of branches) {
      const row = sql.putBranch.get(branch.treeId, branch.branchId, HistoryBranch.encode(branch).finish(), info);
      assert(row !== undefined, 'an upsert returns its row');
      numbers.set(branchName(branch.treeId, branch.branchId), row.branch_no);
    }
    for (const { treeId, branchId, nodeId, txnId, blob, eventCount } of nodes) {
      assert(nodeId > 0 && nodeId < NODE_ID_LIMIT, 'a node id fits its key', { nodeId });
      const nodeKey = numberFor(treeId, branchId) * NODE_ID_LIMIT + nodeId;
      sql.putNode.run(nodeKey, txnId, eventCount, checksum(blob, branchName(treeId, branchId), nodeId), blob);
    }
  };

  function* loadSegment(treeId: string, segment: BranchSegment): Iterable<HistoryNode> {
    const { branchId } = segment;
    const branchNumber = findNumber(treeId, branchId);
    if (branchNumber === undefined) return;
    const owner = branchName(treeId, branchId);
    const base = branchNumber * NODE_ID_LIMIT;
    const end = base + Math.min(segment.toNodeId, NODE_ID_LIMIT);
    for (const row of sql.nodes.iterate(base + segment.fromNodeId, end)) {
      const nodeId = row.node_key - base;
      const describe = (): string => {
        const info = sql.branchInfo.get(branchNumber)?.info ?? '';
        return `events from ${nodeId} of history branch ${treeId}/${branchId} (${info})`;
      };
      const blob = verified(row.events, row.crc, { owner, number: nodeId }, describe);
      yield { treeId, branchId, nodeId, txnId: row.txn_id, blob, eventCount: row.event_count };
    }
  }

  const deleteBranch = (branch: HistoryBranch): void => {
    const { treeId } = branch;
    sql.hideBranch.run(treeId, branch.branchId);
    const remaining = sql.liveBranches
      .all(treeId)
      .map((row) => decoded(HistoryBranch, row.branch, `history tree ${treeId}`));
    for (const { branchId, fromNodeId } of unreferencedNodes(branch, remaining)) {
      const branchNumber = findNumber(treeId, branchId);
      if (branchNumber === undefined) continue;
      const base = branchNumber * NODE_ID_LIMIT;
      sql.deleteNodes.run(base + fromNodeId, base + NODE_ID_LIMIT);
      if (fromNodeId === 0) {
        sql.dropBranch.run(branchNumber);
        numbers.delete(branchName(treeId, branchId));
      }
    }
  };

  return {
    writeNodes,
    readBranch: (branch, range, options) =>
      database.read('readBranch', () =>
        readBranchPage(branch, range, options, (segment) => loadSegment(branch.treeId, segment)),
      ),
    listBranches: (treeId) =>
      database.read('listBranches', () =>
        sql.liveBranches
          .all(treeId)
          .map(({ branch, info }) => ({ branch: decoded(HistoryBranch, branch, `history tree ${treeId}`), info })),
      ),
    appendNodes: (nodes, branches) => database.write('appendNodes', () => writeNodes(nodes, branches)),
    deleteBranch: (branch) => database.write('deleteBranch', () => deleteBranch(branch)),
  };
}
